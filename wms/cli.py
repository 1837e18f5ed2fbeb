"""`wms`: manage.py under its own name, which also finds the system that `wms up` runs on the same data folder."""

import os
import sys

from wms import garbage

# These work on files alone; everything else needs the database.
WITHOUT_DATABASE = {
    "check",
    "collectstatic",
    "diffsettings",
    "findstatic",
    "help",
    "makemessages",
    "makemigrations",
    "messages",
    "version",
}
PLACEHOLDERS = {
    "WMS_ENV": "files-only",
    "WMS_SECRET_KEY": "stands in where a command works on files alone, and protects nothing",
    "WMS_ALLOWED_HOSTS": "localhost",
    "DATABASE_URL": "postgresql:///nothing",
}


def main() -> None:
    garbage.spare_the_start()
    if sys.argv[1:2] == ["up"]:
        from wms.servers.supervisor import up

        sys.exit(up())
    if sys.argv[1:2] == ["print-agent"]:
        from labels.agent.main import main as fetch_prints

        sys.exit(fetch_prints(sys.argv[2:]))
    command = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), "help")
    if not os.environ.get("DATABASE_URL"):
        _find_the_running_system(needed=command not in WITHOUT_DATABASE and not {"--help", "-h", "--sample"} & set(sys.argv))
    if command == "check" and "--deploy" in sys.argv:
        # The question is how it would stand in production, also when it is asked beside a demo.
        os.environ["WMS_ENV"] = "production"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wms.settings")
    from django.core.exceptions import ImproperlyConfigured

    try:
        if command == "web":
            from wms.web.processes import main as serve

            sys.exit(serve(sys.argv[2:]))
        from django.core.management import execute_from_command_line

        execute_from_command_line(["wms", *sys.argv[1:]])
    except ImproperlyConfigured as error:
        sys.exit(f"wms: {error}")


def _find_the_running_system(*, needed: bool) -> None:
    """Set the variables of the data folder where they are not set; exit with a message when a needed system does not run there."""
    from wms.servers.environment import is_running, read_environment
    from wms.servers.folders import default_data_folder

    folder = default_data_folder()
    try:
        found = read_environment(folder)
        if needed and not (found and is_running(folder)):
            sys.exit(f"wms: nothing runs on {folder}. Start it with `wms up`, point WMS_DATA_DIR to where it runs, or set DATABASE_URL.")
    except PermissionError as error:
        if needed:
            sys.exit(
                f"wms: {error.filename} belongs to somebody else: use WMS_DATA_DIR or DATABASE_URL, or the account that runs `wms up`."
            )
        found = {}
    deploying = "--deploy" in sys.argv
    for name, value in (found or ({} if deploying else PLACEHOLDERS)).items():
        os.environ.setdefault(name, value)


if __name__ == "__main__":
    main()
