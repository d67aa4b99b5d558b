"""Every draft of the recipe keeps to the Dockerfile policy, whatever constraints earlier rounds gave."""

from hypothesis import given, settings
from hypothesis import strategies as st

from swefoundry.contracts.draft import Overrides
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.dockerfile.policy import violations
from swefoundry.drafts import next_proposal
from unit.drafts.recipe_inputs import SETUP_PY, an_input, ended, proposed
from unit.drafts.test_candidates import MESSAGES

MANIFESTS = {
    "setup.py": SETUP_PY.replace(
        "install_requires=[]", "install_requires=['six; python_version<\"4\"', 'lxml<4']"
    ),
    "setup.cfg": "[pytest]\naddopts = --cov\n",
    "pyproject.toml": '[build-system]\nrequires = ["setuptools", "setuptools_scm"]\n',
}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(RoundOutcome), st.sampled_from(MESSAGES)), max_size=8),
    st.sampled_from([["python:3.11-slim", "python:3.9-slim"], ["python:3.6-slim", "python:3.13-slim"]]),
    st.sampled_from([None, Overrides(apt_packages=["libpq-dev"], pre_install=["make -C src"])]),
)
def test_every_draft_passes_the_policy(outcomes, bases, overrides):
    inputs = an_input(MANIFESTS, created="2018-03-01", bases=bases, overrides=overrides)
    for outcome, message in outcomes:
        if next_proposal(["recipe"], inputs) is None:
            break
        assert violations(proposed(inputs).draft.dockerfile, bases) == []
        inputs = ended(inputs, outcome, message)
