"""The two ways in which a scenario can end badly."""


class LabError(Exception):
    """The lab itself could not do its work: a tool is missing, an image did not build, a guest hangs."""


class Failed(Exception):
    """The lab worked, and what it looked at is wrong."""


def expect(condition, complaint):
    """Fails the scenario with `complaint`, the sentence that says what was seen."""
    if not condition:
        raise Failed(complaint)
