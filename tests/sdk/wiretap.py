# SPDX-License-Identifier: Apache-2.0
"""Remembers what the clients in this process sent, so that a failing test can show it."""

import collections
import re

import requests

REMEMBERED = collections.deque(maxlen=30)
BODY_CHARACTERS_MAX = 600
SECRET = re.compile(
    r"(sig=|secret=|\"(?:key|sasToken|primaryKey|accessToken|access_token)\":\s*\")[^&\"]+"
)


def install():
    send = requests.Session.send

    def remembering(session, request, **options):
        line = f"{request.method} {request.url}"
        try:
            answer = send(session, request, **options)
        except Exception as error:
            REMEMBERED.append(f"{line} -> {type(error).__name__}: {error}")
            raise
        REMEMBERED.append(_shown(line, request, answer))
        return answer

    requests.Session.send = remembering


def _shown(line, request, answer):
    parts = [f"{line} -> {answer.status_code}"]
    if isinstance(request.body, (str, bytes)) and "/token" not in request.url:
        parts.append("    sent " + _short(request.body))
    if answer.status_code >= 400:
        parts.append("    told " + _short(answer.content))
    return SECRET.sub(r"\1…", "\n".join(parts))


def _short(body):
    text = body.decode(errors="replace") if isinstance(body, bytes) else body
    return text[:BODY_CHARACTERS_MAX]


def clear():
    REMEMBERED.clear()


def last():
    return "\n".join(REMEMBERED)
