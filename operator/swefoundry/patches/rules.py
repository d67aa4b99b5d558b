"""Rules by which a patch is refused before it is applied: forms of which git apply would take only a part.

A patch that git apply refuses on its own needs no rule. These are the ones that it applies in part, or elsewhere, and
that would be judged without the rest. Each rule is a function from a patch to a message about it, or None.
"""

from collections.abc import Callable, Set

from swefoundry.patches.parsed_patch import ParsedPatch, SkippedKind, SkippedLine
from swefoundry.patches.prefixes import first_without_prefixes, fitting_strip

PatchRule = Callable[[ParsedPatch], str | None]

REGENERATE = "Make it again with `git diff --binary BASE FIX`"
_MAX_SHOWN = 120


def coloured(patch: ParsedPatch) -> str | None:
    return _on(
        patch, SkippedKind.COLOURED, f"has colour codes ({{}}). {REGENERATE}, without `--color=always`."
    )


def combined(patch: ParsedPatch) -> str | None:
    return _on(
        patch,
        SkippedKind.COMBINED,
        f"has a combined diff of a merge ({{}}), which cannot be applied: git would leave that part out. {REGENERATE}.",
    )


def context_format(patch: ParsedPatch) -> str | None:
    return _on(
        patch,
        SkippedKind.CONTEXT_DIFF,
        f"has a context diff ({{}}), which git would leave out. {REGENERATE}, or with `diff -u`.",
    )


def submodule_log(patch: ParsedPatch) -> str | None:
    return _on(
        patch,
        SkippedKind.SUBMODULE_LOG,
        f"tells a submodule's change as a log ({{}}), which cannot be applied. {REGENERATE} --submodule=short.",
    )


def file_in_one_folder(patch: ParsedPatch) -> str | None:
    return _on(
        patch,
        SkippedKind.ONLY_IN_ONE,
        f"names a file without its content ({{}}). {REGENERATE}, or with `diff -ruN`.",
    )


def binary_without_data(patch: ParsedPatch) -> str | None:
    return _on(patch, SkippedKind.BINARY, f"names a binary file without its content ({{}}). {REGENERATE}.")


def hunk_longer_than_its_header(patch: ParsedPatch) -> str | None:
    return _on(
        patch,
        SkippedKind.HUNK_TOO_LONG,
        "has a hunk with more lines than its header announces ({}): git would leave them out. "
        f"{REGENERATE}, or correct the numbers with `git apply --recount`.",
    )


def other_prefixes(patch: ParsedPatch) -> str | None:
    file = first_without_prefixes(patch)
    if file is None:
        return None
    names = " ".join(_shown(name) for name in file.names if name is not None)
    strip = fitting_strip(patch)
    cause = "as with diff.noprefix" if strip == 0 else "as with diff.mnemonicPrefix or --src-prefix"
    fits = (
        f"`git apply -p{strip}` would fit: import the row with `--strip {strip}`"
        if strip is not None
        else "no one strip fits all of its paths: correct them"
    )
    return (
        f"has paths without the prefixes a/ and b/ ({names} at line {file.line + 1}), {cause}; {fits}, or make it "
        "again with `git diff --src-prefix=a/ --dst-prefix=b/`."
    )


def file_without_a_change(patch: ParsedPatch) -> str | None:
    file = next((each for each in patch.files if not each.changes_something), None)
    if file is None:
        return None
    name = _shown(file.path)
    return f"changes nothing in {name} (line {file.line + 1}): no line is added or removed. {REGENERATE}."


PATCH_RULES: tuple[PatchRule, ...] = (
    coloured,
    combined,
    context_format,
    submodule_log,
    file_in_one_folder,
    binary_without_data,
    other_prefixes,
    hunk_longer_than_its_header,
    file_without_a_change,
)
"""The first message counts. Forms that are no unified diff come first: they explain best what else is found."""


def refusal(patch: ParsedPatch) -> str | None:
    """Why a patch is refused, as a message that begins after "the gold patch"; None for one that can be applied."""
    return next((message for rule in PATCH_RULES if (message := rule(patch)) is not None), None)


def submodule_refusal(patch: ParsedPatch, submodules: bool) -> str | None:
    """Why a patch that changes the commit of a submodule is refused."""
    for link in patch.gitlinks:
        path = _shown(link.path)
        if not submodules:
            return (
                f"changes the commit of the submodule {path} (`Subproject commit`), and submodules are not fetched. "
                "Set spec.source.git.submodules: true (in a row: column `source`)."
            )
        if link.dirty or (link.old is None and link.new is None):
            return f"names no commit of the submodule {path} that can be fetched (`-dirty`, or none). {REGENERATE}."
    return None


def cut_off(patch: ParsedPatch) -> str | None:
    """A hunk that lacks lines, for messages before git sees the patch: git calls it corrupt."""
    for file in patch.files:
        for hunk in file.hunks:
            if hunk.missing_old > 0 or hunk.missing_new > 0:
                lacking = max(hunk.missing_old, hunk.missing_new)
                place = f"the hunk of {_shown(file.path)} at line {hunk.line}"
                return f"is cut off: {place} lacks {lacking} of its lines. {REGENERATE}."
    return None


def both_add(test: ParsedPatch, gold: ParsedPatch) -> str | None:
    """A message about a file that both patches add; the second cannot be applied on top of the first."""
    added = [{file.path for file in patch.files if file.adds} for patch in (test, gold)]
    both = added[0] & added[1]
    if not both:
        return None
    return f"both patches add {shown_paths(both)}: leave it out of the one to which it does not belong"


def shown_paths(paths: Set[bytes]) -> str:
    """The first paths of a set, for a message."""
    shown = ", ".join(_shown(path) for path in sorted(paths)[:3])
    return f"{shown} and {len(paths) - 3} more" if len(paths) > 3 else shown


def _on(patch: ParsedPatch, kind: SkippedKind, message: str) -> str | None:
    line = patch.first_skipped(kind)
    return None if line is None else message.format(_place(line))


def _place(line: SkippedLine) -> str:
    return f"line {line.line}: `{_shown(line.text)}`"


def _shown(text: bytes) -> str:
    clean = "".join(c if c.isprintable() else "?" for c in text.decode("utf-8", "replace"))
    return clean if len(clean) <= _MAX_SHOWN else f"{clean[:_MAX_SHOWN]}…"
