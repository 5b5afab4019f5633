"""A configuration file of the command (exochat-config(5)) → a provider."""

import os

import _exochat

from ._deploy_cpython import CLOCKS
from ._deployment import Deployment

# What config() calls otherwise than Deployment.
NAMES = {"headers": "extra_headers", "ca_file": "ca"}


def _deployment(said):
    options = {NAMES.get(name, name): value for name, value in said.items()}
    for clock in CLOCKS:
        if clock in options:
            options[clock] = options[clock] / 1000
    return Deployment(**options)


def _default_model(said, path):
    models = list(said["models"])
    if said["default_model"] is None and len(models) > 1:
        raise ValueError("%s: it has no default_model; give default_model=, one of %r" % (os.fspath(path), models))
    return said["default_model"] or models[0]


def provider_of(kind, path, options):
    """See OpenAIStreamingProvider.from_config()."""
    said = _exochat.config(path)
    models = said["models"]
    given = {
        "deployments": {name: _deployment(model["deployment"]) for name, model in models.items()},
        "fallbacks": {name: model["fallbacks"] for name, model in models.items()},
        "context_fallbacks": {name: model["context_fallbacks"] for name, model in models.items()},
        "stream_ttft_timeout": None,  # a file that says nothing means the library's
        "total_timeout": said["total_timeout"] / 1000 or None,
    }
    given.update(options)
    if "default_model" not in given:
        given["default_model"] = _default_model(said, path)
    provider = kind(**given)
    settings = provider._settings
    settings.restart = said["restart"]
    for name, model in models.items():
        settings.policies[name] = {**model["policy"], **settings.policy}
    return provider
