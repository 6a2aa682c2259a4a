import pytest

from core.outbound import session
from tests.core.outbound import servers


@pytest.fixture(autouse=True)
def _outbound(settings):
    settings.ALLOW_LOOPBACK = True
    settings.ALLOWED_PRIVATE_NETWORKS = []
    settings.CA_BUNDLE = ""
    yield
    for kept in session._kept.sessions.values():
        kept.close()
    session._kept.sessions.clear()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return servers.authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority, settings):
    settings.CA_BUNDLE = str(authority.path)
    return authority


@pytest.fixture
def names(monkeypatch):
    """A resolver of our own: names to lists of addresses; what is not in it goes to the system."""
    known: dict[str, list[str]] = {}
    resolve = session.socket.getaddrinfo

    def getaddrinfo(host, port, *args, **kwargs):
        if host not in known:
            return resolve(host, port, *args, **kwargs)
        return [row for address in known[host] for row in resolve(address, port, *args, **kwargs)]

    monkeypatch.setattr(session.socket, "getaddrinfo", getaddrinfo)
    return known
