"""Files: written whole or not at all, downloaded whole and checked, and where the cache is."""

import contextlib
import http.server
import json
import math
import socket
import sys
import threading
from functools import partial
from pathlib import Path

import platformdirs
import pytest

from nsthelpers import files

DATA = b"what the server has" * 1000


class TestJson:
    def test_what_is_not_finite_is_null(self, tmp_path):
        values = {"a": [math.inf, 1.5], "b": (math.nan, "é"), "c": {"d": -math.inf, "e": 2}}
        files.write_json(tmp_path / "a.json", values)
        text = (tmp_path / "a.json").read_text(encoding="utf-8")
        assert json.loads(text) == {"a": [None, 1.5], "b": [None, "é"], "c": {"d": None, "e": 2}}
        assert "é" in text and text.endswith("}\n")

    def test_what_json_cannot_hold_leaves_the_old_file(self, tmp_path):
        (tmp_path / "a.json").write_text("old")
        with pytest.raises(TypeError):
            files.write_json(tmp_path / "a.json", {"a": object()})
        assert (tmp_path / "a.json").read_text() == "old"


class TestCacheFolder:
    def test_the_environment_goes_first(self, monkeypatch):
        monkeypatch.setenv("NST_CACHE", "~/elsewhere")
        assert files.cache_folder() == Path.home() / "elsewhere"

    def test_else_it_is_the_platforms(self, monkeypatch):
        monkeypatch.delenv("NST_CACHE", raising=False)
        monkeypatch.setattr(platformdirs, "user_cache_path", lambda *names, **_: Path(*names))
        assert files.cache_folder() == Path("nsthelpers")

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux' own rules")
    def test_on_linux_it_stays_where_it_was(self, monkeypatch, tmp_path):
        monkeypatch.delenv("NST_CACHE", raising=False)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        assert files.cache_folder() == tmp_path / "nsthelpers"
        monkeypatch.delenv("XDG_CACHE_HOME")
        assert files.cache_folder() == Path.home() / ".cache" / "nsthelpers"


@contextlib.contextmanager
def served(folder):
    """A folder on loopback; gives its address and the list of requests."""
    requests = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, template, *arguments):
            requests.append(arguments[0])

    handler = partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", requests
        server.shutdown()
        thread.join()


class TestDownload:
    @pytest.fixture
    def here(self, tmp_path):
        (tmp_path / "server").mkdir()
        (tmp_path / "server" / "a.bin").write_bytes(DATA)
        with served(tmp_path / "server") as (address, requests):
            yield f"{address}/a.bin", tmp_path / "cache" / "deep" / "a.bin", requests

    def known_hash(self, tmp_path):
        return f"sha256:{files.hash_of(tmp_path / 'server' / 'a.bin', 'sha256')}"

    def test_once_quietly_and_nothing_else_is_changed(self, here, tmp_path, capfd):
        import pooch

        url, path, requests = here
        level, stdout = pooch.get_logger().level, sys.stdout
        for _ in range(2):
            assert files.download(url, path, self.known_hash(tmp_path)) == path
        assert path.read_bytes() == DATA and list(path.parent.iterdir()) == [path]
        assert requests == ["GET /a.bin HTTP/1.1"]
        assert tuple(capfd.readouterr()) == ("", "")
        assert socket.getdefaulttimeout() is None and sys.stdout is stdout
        assert pooch.get_logger().level == level

    def test_another_file_is_replaced(self, here, tmp_path):
        url, path, _ = here
        path.parent.mkdir(parents=True)
        path.write_bytes(DATA[:100])
        assert files.download(url, path, self.known_hash(tmp_path)).read_bytes() == DATA

    def test_a_file_with_another_hash_is_not_kept(self, here):
        url, path, _ = here
        with pytest.raises(OSError, match="does not match the known hash") as error:
            files.download(url, path, "md5:" + 32 * "0")
        assert "\n" not in str(error.value)
        assert not list(path.parent.iterdir())

    def test_a_server_that_refuses(self, here, tmp_path):
        url, path, _ = here
        with pytest.raises(OSError, match="404 .*File not found") as error:
            files.download(url[:-1], path, self.known_hash(tmp_path))
        assert "\n" not in str(error.value)

    def test_a_server_that_is_not_there(self, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        with pytest.raises(OSError, match="refused") as error:
            files.download(f"http://127.0.0.1:{port}/a.bin", tmp_path / "a.bin", "md5:" + 32 * "0")
        assert "Max retries" not in str(error.value) and len(str(error.value)) < 200
