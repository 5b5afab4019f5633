"""http2=: the libcurl that the package runs with must be able to, be it the system's or that of a wheel."""

import sys

import pytest

from conftest import ROOT
from exoclaw_provider_openai import Deployment, OpenAIStreamingProvider
from upstream.chunks import TEXT
from upstream.tls import Certificates

sys.path.append(str(ROOT / "tests" / "integration"))
from fronts import Nginx  # noqa: E402

if not hasattr(pytest.importorskip("_exochat"), "Client"):
    pytest.skip("_exochat has no Client", allow_module_level=True)


@pytest.mark.parametrize("wanted", [False, True])
async def test_http2_where_it_is_wanted(upstream, tmp_path, wanted):
    certificates = Certificates(tmp_path)
    with Nginx(upstream.origin, certificate=certificates.make("good"), http2=True) as front:
        deployment = Deployment(front.base_url, "k", http2=wanted, ca=certificates.ca)
        async with OpenAIStreamingProvider("ok", {"ok": deployment}) as provider:
            for _ in range(2):
                response = await provider.chat([{"role": "user", "content": "hi"}])
    assert response.content == TEXT
    assert response.attempts[0]["http_version"] == ("2" if wanted else "1.1")
    assert upstream.requests[-1].header("x-front-protocol") == ("HTTP/2.0" if wanted else "HTTP/1.1")
