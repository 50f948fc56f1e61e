"""The report for people, as plain text: the stages as a strip, a line a verdict, then the findings in full."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Mapping

from pytest_rlguard.report.labels import Label, describe_counts, describe_numbers, label_outcome, label_verdicts
from pytest_rlguard.verdict import Report, StageReport, Verdict

__all__ = ["render_report"]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SGR: Mapping[Label, str] = {
    Label.PASS: "32",
    Label.FAIL: "1;31",
    Label.WARNING: "33",
    Label.WAIVED: "33",
    Label.INCONCLUSIVE: "33",
    Label.SKIPPED: "2",
    Label.BLOCKED: "2",
}
# The order in which findings are shown in full: what stops the run stands last, next to the prompt.
_FINDINGS = (Label.WAIVED, Label.WARNING, Label.INCONCLUSIVE, Label.FAIL)
_SUMMARY: Mapping[Label, str] = {
    Label.FAIL: "failed",
    Label.INCONCLUSIVE: "inconclusive",
    Label.WARNING: "with a warning",
    Label.WAIVED: "waived",
    Label.PASS: "passed",
    Label.SKIPPED: "skipped",
    Label.BLOCKED: "blocked",
}
_LABEL_WIDTH = max(len(label) for label in Label)
_INDENT = "    "


def render_report(report: Report, *, width: int = 100, color: bool = False, verbose: int = 0) -> str:
    """The whole report. `verbose` below 0 leaves out the line a verdict, above 0 gives each its full sentence."""
    page = _Page(width=max(width, 40), color=color, verbose=verbose)
    blocks = [page.render_head(report), page.render_strip(report)]
    if verbose >= 0:
        blocks.append(page.render_stages(report))
    blocks += page.render_findings(report)
    blocks.append(page.render_summary(report))
    return "\n\n".join(filter(None, blocks)) + "\n"


class _Page:
    """How wide, how colourful and how detailed; each method renders one block."""

    def __init__(self, *, width: int, color: bool, verbose: int) -> None:
        self._width = width
        self._color = color
        self._verbose = verbose

    def render_head(self, report: Report) -> str:
        subject = report.subject
        parts = [f"rlguard {report.rlguard_version}", subject.env, f"policy {subject.policy}", f"pool {subject.pool}"]
        return _clean(" · ".join(parts))

    def render_strip(self, report: Report) -> str:
        """`contract pass → determinism FAIL → dataflow blocked`, broken between stages where the line ends."""
        lines, used = [""], 0
        for stage in report.stages:
            label = label_outcome(stage.outcome)
            plain = len(stage.name) + len(label) + 1
            arrow = " → " if used else ""
            if used + len(arrow) + plain > self._width:
                lines, used, arrow = [*lines, ""], 0, "→ "
            lines[-1] += f"{arrow}{stage.name} {self._paint(label)}"
            used += len(arrow) + plain
        return "\n".join(lines)

    def render_stages(self, report: Report) -> str:
        """A line a stage and, under it, a line a verdict; a blank line where verdicts end."""
        lines: list[str] = []
        for stage in report.stages:
            lines.append(self._stage_line(stage))
            for label, verdict in label_verdicts(stage):
                lines += self._verdict_lines(label, verdict)
            lines += [""] if stage.verdicts else []
        return "\n".join(lines).rstrip("\n")

    def render_findings(self, report: Report) -> list[str]:
        """Everything but passes and skips, in full."""
        found = [(label, stage, verdict) for stage in report.stages for label, verdict in label_verdicts(stage)]
        return [
            self._render_finding(label, stage, verdict)
            for wanted in _FINDINGS
            for label, stage, verdict in found
            if label is wanted
        ]

    def render_summary(self, report: Report) -> str:
        """The outcome, how many rules ended in which way, and how many stages showed nothing."""
        counts = Counter(label for stage in report.stages for label, _ in label_verdicts(stage))
        empty = Counter(label_outcome(stage.outcome) for stage in report.stages if not stage.verdicts)
        rules = [f"{counts[label]} {word}" for label, word in _SUMMARY.items() if counts[label]] or ["no rule ran"]
        text = f"{self._paint(label_outcome(report.outcome))}: {', '.join(rules)}"
        stages = [f"{empty[label]} {word}" for label, word in _SUMMARY.items() if empty[label]]
        return f"{text}; stages: {', '.join(stages)}" if stages else text

    def _stage_line(self, stage: StageReport) -> str:
        parts = [f"{stage.name}  {self._paint(label_outcome(stage.outcome))}"]
        if stage.verdicts:
            parts.append(f"{len(stage.verdicts)} rules, {stage.seconds:.1f} s")
        if stage.reason:
            parts.append(_flatten(stage.reason))
        return "  ".join(parts)

    def _verdict_lines(self, label: Label, verdict: Verdict) -> Iterator[str]:
        lead = f"  {verdict.rule}  {label:<{_LABEL_WIDTH}}  "
        painted = lead.replace(label, self._paint(label), 1)
        sentence = _flatten(verdict.sentence)
        if self._verbose > 0:
            first, *rest = textwrap.wrap(sentence, self._width - len(lead)) or [""]
            yield painted + first
            yield from (" " * len(lead) + line for line in [*rest, describe_counts(verdict)] if line)
        else:
            yield painted + textwrap.shorten(sentence, self._width - len(lead), placeholder=" …")

    def _render_finding(self, label: Label, stage: StageReport, verdict: Verdict) -> str:
        lines = [f"{self._paint(label)} {stage.name}/{verdict.rule}", *self._wrap(verdict.sentence)]
        numbers = "; ".join(part for part in (describe_numbers(verdict), describe_counts(verdict)) if part)
        lines += self._wrap(numbers)
        lines += self._wrap(f"Waived: {verdict.waiver}" if label is Label.WAIVED else "")
        lines += self._wrap(f"What to do: {verdict.advice}" if verdict.advice else "")
        if verdict.reproducer:
            script = _clean(verdict.reproducer).rstrip("\n")
            lines += [f"{_INDENT}Reproducer, to paste into a file and run:", "", script]
        return "\n".join(lines)

    def _wrap(self, text: str) -> list[str]:
        return textwrap.wrap(_flatten(text), self._width, initial_indent=_INDENT, subsequent_indent=_INDENT)

    def _paint(self, label: Label) -> str:
        return f"\x1b[{_SGR[label]}m{label}\x1b[0m" if self._color else label.value


def _clean(text: str) -> str:
    """Names and messages are the user's: none of them may move the cursor or change the colours of a terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _flatten(text: str) -> str:
    return " ".join(_clean(text).split())
