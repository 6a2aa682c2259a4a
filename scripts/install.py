"""Set a portal up for real: `make install`.

Writes .env from .env.example with new keys, unless there is one; creates or migrates the database,
collects the static files, and says what is left to do. To run it again does no harm.
"""

import subprocess
import sys

from scripts.env_file import ENV_FILE, ROOT, filled, write_new

NEXT = """
Dovetail is installed. What is left to do:

  1. Look through .env: the names under which the portal is reached, the database, the e-mail.
     Keep a copy of ENCRYPTION_KEYS, away from the copies of the database: without them nothing
     that was stored of people can be read again.
  2. Make the first administrator:   .venv/bin/python manage.py createsuperuser
  3. Start the programs of the Procfile: web and dispatcher, and with a broker also workers.

docs/deploying.md shows each of these, with a proxy that ends TLS.
"""


def main() -> int:
    """Return the exit status: 0 when all is in place."""
    written = write_new(ENV_FILE, filled((ROOT / ".env.example").read_text()))
    print(
        "Wrote .env with new keys." if written else ".env is there already, and is left as it is."
    )
    for command in (["migrate"], ["collectstatic", "--noinput"], ["check", "--deploy"]):
        status = subprocess.run([sys.executable, "manage.py", *command], cwd=ROOT, check=False)
        if status.returncode:
            return status.returncode
    print(NEXT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
