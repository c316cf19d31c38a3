"""One thing the agent wants from a conversation. A plain value made by `plan`, read by mind and report."""

from __future__ import annotations

from dataclasses import dataclass, replace

from byourside_server.calls.call import Field


@dataclass(frozen=True)
class Condition:
    """A step is only asked where the step called `step` was answered `answer`."""

    step: str
    answer: bool


@dataclass(frozen=True)
class Step:
    """A statement and a question, and how its answer is read and told.

    `name` is what an agent's turn carries in `asks`: "field:<name>" where the answer fills a field.
    `kind` is one of understanding.KINDS. `said_yes` and `said_no` finish "The contact …" in a summary;
    `label` names the value otherwise. `subject` holds the caller's words, for matching fields.
    """

    name: str
    kind: str
    question: str
    statement: str = ""
    field: Field | None = None
    when: Condition | None = None
    said_yes: str = ""
    said_no: str = ""
    label: str = ""
    subject: str = ""
    verb: str = ""

    @property
    def spoken(self) -> str:
        """Statement and question as they are first said."""
        return f"{self.statement} {self.question}".strip()

    @property
    def is_yes_no(self) -> bool:
        return self.kind in ("yes_no", "change")

    def filling(self, field: Field, kind: str) -> Step:
        """The same step, its answer now filling `field`."""
        return replace(self, name=f"field:{field.name}", field=field, kind=kind)


@dataclass(frozen=True)
class Plan:
    """The steps in order of asking. The first is the main question: the objective stands or falls with it."""

    steps: tuple[Step, ...]
    purpose: str

    @property
    def main(self) -> Step:
        return self.steps[0]

    def step(self, name: str | None) -> Step | None:
        return next((step for step in self.steps if step.name == name), None)

    def children(self, name: str) -> tuple[Step, ...]:
        """Steps that wait for the answer of the step called `name`."""
        return tuple(step for step in self.steps if step.when is not None and step.when.step == name)
