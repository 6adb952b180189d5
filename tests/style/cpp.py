# SPDX-License-Identifier: Apache-2.0
"""Just enough reading of C++ for the style rules: code without comments and literals, and where functions begin.

It relies on clang-format's output: a block's brace follows a space, an initializer's does not.
"""

import collections
import re

Function = collections.namedtuple("Function", "first_line last_line header")

_TOKEN = re.compile(
    r"""//[^\n]*|/\*.*?\*/                                   # comments
    |(?:u8|[uUL])?R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)" # raw strings
    |(?:u8|[uUL])?"(?:\\.|[^"\\\n])*"                        # strings
    |(?<![0-9a-zA-Z_])'(?:\\.|[^'\\\n])+'                    # characters (digit separators are none)
    """, re.DOTALL | re.VERBOSE)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def strip(text):
    """Comments blanked, the insides of literals blanked; lines and columns stay."""
    def replace(match):
        token = match.group()
        if token.startswith(("//", "/*")):
            return _blank(token)
        quote = token[-1]
        opening = token.index(quote) + 1
        return token[:opening] + _blank(token[opening:-1]) + quote
    return _TOKEN.sub(replace, text)


def literals(text):
    """(line, contents) of every string; strings that follow each other are one."""
    joined, previous_end = [], None
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token.startswith(("//", "/*")) or not token.endswith('"'):
            continue
        body = token[token.index('"') + 1:-1]
        if match.group("tag") is not None:
            body = body[len(match.group("tag")) + 1:-len(match.group("tag")) - 1]
        line = text.count("\n", 0, match.start()) + 1
        if previous_end is not None and not text[previous_end:match.start()].strip():
            joined[-1] = (joined[-1][0], joined[-1][1] + body)
        else:
            joined.append((line, body))
        previous_end = match.end()
    return joined


def _without_preprocessor(code):
    return re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", lambda match: _blank(match.group()), code, flags=re.MULTILINE)


def _kind(header, spaced, inside_function):
    if inside_function:
        return "block"
    if not spaced:
        return "initializer"
    if re.search(r"\b(namespace|extern)\b", header) and "(" not in header:
        return "namespace"
    without_templates = re.sub(r"\btemplate\s*<[^{]*?>\s*(?=class|struct|union|enum)", "", header)
    if re.match(r"(?:typedef\s+)?(class|struct|union|enum)\b", without_templates) and not header.rstrip().endswith(")"):
        return "class"
    if "(" in header and not re.search(r"=\s*$", header):
        return "function"
    return "initializer"


def functions(text):
    """Every function with a body outside other functions; a lambda belongs to the function around it."""
    code = _without_preprocessor(strip(text))
    found, stack, header_start, line = [], [], None, 1
    header = ""
    for position, char in enumerate(code):
        if char == "\n":
            line += 1
        in_initializer = stack and stack[-1][0] == "initializer"
        if char == "{":
            kind = _kind(header.strip(), code[position - 1] in " \n", any(entry[0] == "function" for entry in stack))
            stack.append((kind, header_start or line, header.strip()))
            if kind != "initializer":
                header, header_start = "", None
        elif char == "}":
            if stack:
                kind, first, text_before = stack.pop()
                if kind == "function":
                    found.append(Function(first, line, text_before))
                if kind != "initializer":
                    header, header_start = "", None
        elif in_initializer:
            continue
        elif char == ";":
            if header.count("(") <= header.count(")"):
                header, header_start = "", None
        else:
            if header_start is None and not char.isspace():
                header_start = line
            header += char
            if re.search(r"\b(public|private|protected)\s*:$", header):
                header, header_start = "", None
    return found
