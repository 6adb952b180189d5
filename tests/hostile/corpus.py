# SPDX-License-Identifier: Apache-2.0
"""Reads the corpora of http/*.txt: byte streams, and what the server must answer to each. README.md has the format."""

import codecs
import re

FIELD = re.compile(r"\{\{(.+?)\}\}", re.DOTALL)
REPEAT = re.compile(r"\{\{repeat (\d+) ((?:(?!\{\{repeat).)*?)\}\}", re.DOTALL)  # innermost ones


class Case:
    def __init__(self, name, line):
        self.name, self.line = name, line
        self.via, self.once = "plain", False
        self.parts = []
        self.statuses, self.ending, self.texts = [], "", []

    def payload(self, fields):
        """The bytes to send. `fields` maps a field's name to its text."""
        return encode("".join(self.parts), fields)


def encode(text, fields):
    def fill(match):
        value = fields(match.group(1))
        if value is None:
            raise ValueError(f"unknown field {match.group(0)}")
        return value.replace("\\", "\\\\")

    while REPEAT.search(text):
        text = REPEAT.sub(lambda match: match.group(2) * int(match.group(1)), text)
    text = FIELD.sub(lambda match: match.group(0) if match.group(1) == "length" else fill(match), text)
    data = codecs.escape_decode(text.encode())[0]
    if b"{{length}}" in data:
        body = data.partition(b"\r\n\r\n")[2]
        data = data.replace(b"{{length}}", str(len(body)).encode())
    return data


def read(path):
    """Yields the cases of a file."""
    case = None
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.startswith("### "):
            if case:
                yield finished(case, path)
            case = Case(line[4:].strip(), number)
        elif case is None or (case.statuses or case.ending):
            if line.startswith("text ") and case:
                case.texts.append(line[5:].strip())
            elif line == "once":
                case.once = True
            elif line and not line.startswith("#"):
                raise ValueError(f"{path.name}:{number}: not understood: {line}")
        elif line.startswith("via ") and not case.parts:
            case.via = line[4:].strip()
        elif line.startswith("=> "):
            *statuses, case.ending = line[3:].split()
            case.statuses = [int(status) for status in statuses]
        else:
            case.parts.append(line[:-1] if line.endswith("\\") else line + "\\r\\n")
    if case:
        yield finished(case, path)


def finished(case, path):
    if case.ending not in ("open", "closed", "ended", "waiting"):
        raise ValueError(f"{path.name}:{case.line}: '{case.name}' lacks its '=> STATUS… open|closed|ended|waiting'")
    return case
