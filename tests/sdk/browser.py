# SPDX-License-Identifier: Apache-2.0
"""A person's browser as a program: BROWSER="python browser.py %s &", who it is in LAZULI_TEST_PERSON."""

import json
import os
import shlex
import sys


def variables_for(person):
    """The environment in which programs open this browser for `person`."""
    command = f"{shlex.quote(sys.executable)} {shlex.quote(os.path.abspath(__file__))} %s &"
    return {"BROWSER": command, "LAZULI_TEST_PERSON": json.dumps([person.name, person.password])}


if __name__ == "__main__":
    from people import Person

    Person("", *json.loads(os.environ["LAZULI_TEST_PERSON"])).open(sys.argv[1])
