"""`python -m exoclaw_provider_openai` says which versions are at work: of the package, of libcurl, of its TLS."""

import _exochat

from . import __version__

print("exoclaw_provider_openai", __version__)
print("libexochat", _exochat.__version__)
versions = getattr(_exochat, "versions", None)
if versions:
    print(versions())
