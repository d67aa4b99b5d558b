"""Reading Dockerfiles: every form that the reference documents."""

from hypothesis import given
from hypothesis import strategies as st

from swefoundry.dockerfile.parser import Heredoc, Instruction, assignments, expand_variables, parse
from swefoundry.dockerfile.policy import violations


def keywords_and_arguments(text: str) -> list[tuple[str, str]]:
    return [(each.keyword, each.arguments) for each in parse(text)]


def test_keywords_are_read_in_any_case_and_with_any_blanks() -> None:
    assert keywords_and_arguments("from  a\nRun\techo  b \n   copy . /c") == [
        ("FROM", "a"),
        ("RUN", "echo  b"),
        ("COPY", ". /c"),
    ]


def test_comments_and_blank_lines_are_dropped_also_inside_an_instruction() -> None:
    text = "# one\n\nRUN a \\\n# two\n\n   && b\n# three\n"
    assert parse(text) == (Instruction(3, 6, "RUN", (), "a    && b"),)


def test_a_hash_inside_a_line_is_no_comment() -> None:
    assert keywords_and_arguments("RUN echo # x") == [("RUN", "echo # x")]


def test_the_escape_directive_changes_the_continuation_character() -> None:
    assert keywords_and_arguments("# escape=`\nRUN a `\n b\\\nRUN c") == [("RUN", "a  b\\"), ("RUN", "c")]


def test_the_escape_directive_counts_only_at_the_top() -> None:
    assert keywords_and_arguments("FROM x\n# escape=`\nRUN a \\\n b") == [("FROM", "x"), ("RUN", "a  b")]


def test_flags_are_taken_off() -> None:
    (each,) = parse("COPY --from=one --chown=a:b  src /dst")
    assert (each.flags, each.arguments, each.flag("from"), each.flag("chmod")) == (
        ("--from=one", "--chown=a:b"),
        "src /dst",
        "one",
        None,
    )


def test_heredocs_belong_to_their_instruction_with_all_their_lines() -> None:
    text = 'RUN <<EOF\nFROM not-a-stage\n# kept\nEOF\nCOPY <<one <<-"two" /x/\na\none\n\tb\n\ttwo\nUSER c'
    run, copy, user = parse(text)
    assert run == Instruction(1, 4, "RUN", (), "<<EOF", (Heredoc("EOF", "FROM not-a-stage\n# kept"),))
    assert copy.heredocs == (Heredoc("one", "a"), Heredoc("two", "b"))
    assert (copy.last_line, user.line) == (9, 10)


def test_a_heredoc_without_end_is_marked() -> None:
    assert parse("RUN cat <<EOF > x\na\n")[0].heredocs == (Heredoc("EOF", "a", closed=False),)


def test_shifts_and_here_strings_are_no_heredocs() -> None:
    assert [each.heredocs for each in parse("RUN echo $((1<<X)) <<<word\nUSER a")] == [(), ()]


def test_json_arguments_are_words() -> None:
    assert parse('COPY ["a b", "/c"]')[0].words() == ["a b", "/c"]
    assert parse("COPY [ab]* /c")[0].words() == ["[ab]*", "/c"]


def test_assignments_have_both_forms() -> None:
    assert assignments(parse("ENV A=1 B='two words' C=\"3\"")[0]) == {"A": "1", "B": "two words", "C": "3"}
    assert assignments(parse("ENV A two words")[0]) == {"A": "two words"}
    assert assignments(parse("ARG A")[0]) == {}


def test_variables_are_replaced() -> None:
    known = {"A": "1"}
    assert expand_variables("$A-${A}-${B:-2}-${B-3}-${A:+4}-${B:+5}-\\$A", known) == "1-1-2-3-4--$A"
    assert expand_variables("x:$B", known) is None


@given(st.text(alphabet="FROMUNCPY \n\\#<E-=$'\"`/.:[]a", max_size=200))
def test_nothing_that_is_written_breaks_the_reader(text: str) -> None:
    violations(text, ["python:*"])
    covered = [line for each in parse(text) for line in range(each.line, each.last_line + 1)]
    assert covered == sorted(set(covered))
