"""Pairs of releases of Maven artifacts, for `maven:3.9-eclipse-temurin-17`."""

from real.real_pair import RealPair
from swefoundry.grading.verdict import Verdict

JAVA_PAIRS: tuple[RealPair, ...] = (
    RealPair(
        "org.apache.commons:commons-csv",
        "1.9.0",
        "1.10.0",
        Verdict.FAIL2PASS,
        "tests of delimiters, PostgreSQL and enums fail before; six other files name DuplicateHeaderMode and other "
        "classes of 1.10.0, and do not compile; the fix has a later parent, with other plugins",
        language="java",
    ),
    RealPair(
        "commons-fileupload:commons-fileupload",
        "1.4",
        "1.5",
        Verdict.FAIL2PASS,
        "testMoveFile fails without the fix; sources of level 1.6 are compiled for 8",
        language="java",
    ),
    RealPair(
        "commons-validator:commons-validator",
        "1.7",
        "1.8.0",
        Verdict.ERROR2PASS,
        "all tests moved to JUnit 5, which only the pom of 1.8.0 has; it is downloaded by its coordinates",
        language="java",
    ),
    RealPair(
        "commons-codec:commons-codec",
        "1.16.0",
        "1.16.1",
        Verdict.FAIL2PASS,
        "seven of 1,437 tests fail before, and some test files use names that only 1.16.1 has",
        language="java",
    ),
    RealPair(
        "org.codehaus.plexus:plexus-utils",
        "3.5.0",
        "3.5.1",
        Verdict.FAIL2PASS,
        "testUnicode of MXParserTest fails without the fix of 3.5.1",
        quick=True,
        language="java",
    ),
    RealPair(
        "org.codehaus.plexus:plexus-interpolation",
        "1.27",
        "1.28",
        Verdict.ERROR2PASS,
        "all four changed test files use FeedbackingValueSource, which only 1.28 has",
        quick=True,
        language="java",
    ),
    RealPair(
        "org.apache.maven.shared:maven-shared-utils",
        "3.3.3",
        "3.3.4",
        Verdict.FAIL2PASS,
        "nine tests of files, XML and commands fail before; MessageUtilsTest names methods that only 3.3.4 has and "
        "does not compile; tests that were compiled for the image are compiled afresh",
        language="java",
    ),
    RealPair(
        "commons-cli:commons-cli",
        "1.5.0",
        "1.6.0",
        Verdict.FAIL2PASS,
        "five tests of nulls and abbreviated options fail before; four other files hold lambdas, which the source "
        "level of 1.5.0 does not allow, and do not compile",
        language="java",
    ),
    RealPair(
        "commons-dbutils:commons-dbutils",
        "1.7",
        "1.8.0",
        Verdict.FAIL2PASS,
        "tests of the handlers of beans meet a property without a name before; most files do not compile without the "
        "later Mockito and JUnit of 1.8.0, and others fail as the old Mockito does not fit Java 17",
        language="java",
    ),
    RealPair(
        "org.apache.commons:commons-csv",
        "1.10.0",
        "1.11.0",
        Verdict.FAIL2PASS,
        "four tests of the parser fail before; CSVFormatTest, CSVPrinterTest and LexerTest name what only 1.11.0 has, "
        "and do not compile",
        language="java",
    ),
    RealPair(
        "org.codehaus.plexus:plexus-cipher",
        "2.0",
        "2.1.0",
        Verdict.ERROR2PASS,
        "both test files use JUnit 5 or lambdas, which only the pom of 2.1.0 allows; it asks for another release of a "
        "plugin, which a second round downloads",
        language="java",
    ),
    RealPair(
        "commons-cli:commons-cli",
        "1.6.0",
        "1.7.0",
        Verdict.FAIL2PASS,
        "eight tests fail before, of optional arguments, properties, quotes and patterns; others use parameters of "
        "JUnit 5 or names that only 1.7.0 has, and do not compile",
        language="java",
    ),
    RealPair(
        "commons-validator:commons-validator",
        "1.8.0",
        "1.9.0",
        Verdict.FAIL2PASS,
        "three tests notice it, others do not compile; the second round sets argLine",
        language="java",
    ),
)
