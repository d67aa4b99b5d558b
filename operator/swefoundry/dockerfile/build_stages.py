"""Stages of a Dockerfile: the images they are built from, and whether the last one contains the source tree.

A stage starts FROM an image or an earlier stage. The last stage must have the whole build context under /testbed,
copied there by itself, by a stage it starts from, or by a stage it copies from.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.dockerfile.parser import Instruction, assignments, expand_variables, parse

PREDEFINED_ARGS = {
    name: name.lower()
    for side in ("TARGET", "BUILD")
    for name in (f"{side}PLATFORM", f"{side}OS", f"{side}ARCH", f"{side}VARIANT")
}
"""Arguments that builders define; their values do not matter here."""


@dataclass(frozen=True)
class BuildStage:
    """One FROM and the instructions after it."""

    from_instruction: Instruction
    name: str
    image: str | None
    """Base image or earlier stage, variables replaced; None when a variable has no value."""
    parent: int | None
    """Index of the stage it starts from, if any."""
    body: tuple[Instruction, ...]
    global_args: Mapping[str, str] = field(default_factory=dict)
    """ARGs before the first FROM."""


@dataclass(frozen=True)
class Placement:
    """A COPY or ADD with its arguments resolved."""

    instruction: Instruction
    sources: tuple[str, ...]
    target: str
    """Absolute and normalised."""

    @property
    def copies_whole_context(self) -> bool:
        """Whether the entire build context is copied."""
        partial = self.instruction.flag("from") is not None or self.instruction.flag("exclude") is not None
        return not partial and any(posixpath.normpath("/" + source) == "/" for source in self.sources)


def build_stages(instructions: tuple[Instruction, ...]) -> tuple[BuildStage, ...]:
    """Split instructions into stages; what comes before the first FROM belongs to none."""
    starts = [i for i, each in enumerate(instructions) if each.keyword == "FROM"]
    if not starts:
        return ()
    outer: dict[str, str] = dict(PREDEFINED_ARGS)
    for each in instructions[: starts[0]]:
        if each.keyword == "ARG":
            _add_assignments(each, outer)
    found: list[BuildStage] = []
    for start, end in zip(starts, [*starts[1:], len(instructions)], strict=True):
        found.append(_build_stage(instructions[start], instructions[start + 1 : end], found, outer))
    return tuple(found)


def stage_index(name: str, earlier: tuple[BuildStage, ...] | list[BuildStage]) -> int | None:
    """Return the index of the earlier stage that a name or number refers to."""
    for index in range(len(earlier) - 1, -1, -1):
        if name.lower() == earlier[index].name or name == str(index):
            return index
    return None


def pulled_images(all_stages: tuple[BuildStage, ...]) -> Iterator[tuple[Instruction, str | None]]:
    """Yield every image that the build would pull; None where a variable has no value."""
    for index, stage in enumerate(all_stages):
        if stage.parent is None:
            yield stage.from_instruction, stage.image
        for each in stage.body:
            for name in _copied_images(each):
                if stage_index(name, all_stages[:index]) is None:
                    yield each, name


def images_to_pull(dockerfile: str) -> list[str]:
    """Return the names of the images that a Dockerfile pulls, each once."""
    images = (image for _, image in pulled_images(build_stages(parse(dockerfile))))
    return list(dict.fromkeys(image for image in images if image and image != "scratch"))


def _copied_images(instruction: Instruction) -> Iterator[str]:
    if instruction.keyword in ("COPY", "ADD") and (origin := instruction.flag("from")):
        yield origin
    for flag in instruction.flags:
        if instruction.keyword == "RUN" and flag.startswith("--mount="):
            yield from re.findall(r"(?:^|,)from=([^,]+)", flag.removeprefix("--mount="))


def placements(stage: BuildStage) -> Iterator[Placement]:
    """Yield every COPY and ADD of a stage with its target resolved against WORKDIR, ARG and ENV."""
    known, folder = dict(PREDEFINED_ARGS), "/"
    for each in stage.body:
        match each.keyword:
            case "ARG" | "ENV":
                known |= {name: stage.global_args[name] for name in each.words() if name in stage.global_args}
                _add_assignments(each, known)
            case "WORKDIR":
                folder = posixpath.join(
                    folder, expand_variables(each.arguments.strip("\"'"), known) or each.arguments
                )
            case "COPY" | "ADD" if len(each.words()) > 1:
                *sources, target = (expand_variables(word, known) or word for word in each.words())
                yield Placement(each, tuple(sources), posixpath.normpath(posixpath.join(folder, target)))


def has_source(all_stages: tuple[BuildStage, ...]) -> bool:
    """Whether the last stage has the whole context under /testbed."""
    return bool(all_stages) and _stage_has_source(len(all_stages) - 1, all_stages)


def _stage_has_source(index: int, all_stages: tuple[BuildStage, ...]) -> bool:
    stage, earlier = all_stages[index], all_stages[:index]
    for placed in placements(stage):
        if placed.target != SOURCE_ROOT:
            continue
        if placed.copies_whole_context:
            return True
        origin = stage_index(placed.instruction.flag("from") or "", earlier)
        if origin is not None and any(each.copies_whole_context for each in placements(all_stages[origin])):
            return True
    return stage.parent is not None and _stage_has_source(stage.parent, all_stages)


def _build_stage(
    opening: Instruction, body: tuple[Instruction, ...], earlier: list[BuildStage], outer: Mapping[str, str]
) -> BuildStage:
    words = opening.words()
    name = words[2].lower() if len(words) == 3 and words[1].upper() == "AS" else ""
    image = expand_variables(words[0], outer) if words else None
    parent = stage_index(image, earlier) if image and not image.isdigit() else None
    return BuildStage(opening, name, image, parent, body, outer)


def _add_assignments(instruction: Instruction, known: dict[str, str]) -> None:
    """Add the variables that an ARG or ENV sets."""
    for name, value in assignments(instruction).items():
        known[name] = expand_variables(value, known) or ""
