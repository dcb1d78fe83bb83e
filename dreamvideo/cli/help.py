"""``--help`` as plain text with the options in groups."""

from typing import Any

from typer.core import TyperCommand


class GroupedCommand(TyperCommand):
    """A command whose ``--help`` lists its options under the panel that each option names."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            if parameter.param_type_name == "argument":
                record = (parameter.metavar or record[0], record[1])
            group = "Arguments" if parameter.param_type_name == "argument" else "Other options"
            groups.setdefault(getattr(parameter, "rich_help_panel", None) or group, []).append(record)
        for name, records in groups.items():
            with formatter.section(name):
                formatter.write_dl(records, col_max=28)
