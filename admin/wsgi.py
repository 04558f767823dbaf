"""What a WSGI server runs: `admin.wsgi:app`."""

from .app import create_app

app = create_app()
