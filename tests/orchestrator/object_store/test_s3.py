"""Objects in a real S3 server, and what is said where it cannot be used."""

from __future__ import annotations

import pytest
from support.ports import free_port
from support.s3_server import S3

from orchestrator.errors import UserError
from orchestrator.object_store.s3 import ObjectStore


@pytest.fixture
def store(s3: S3) -> ObjectStore:
    s3.make_bucket("objects")
    store = ObjectStore(s3.uri("objects/some prefix".replace(" ", "%20")))
    store.delete_below("x")
    return store


def test_objects_are_written_read_listed_copied_and_deleted_by_their_names(store: ObjectStore) -> None:
    content = bytes(range(256)) * 50_000  # more than one part of an upload
    store.write("x/a/large", content)
    store.write("x/b", b"")
    store.copy("x/a/large", "x/c/copy")
    assert store.read("x/c/copy") == content
    assert {name: stored.size for name, stored in store.objects("x").items()} == {
        "a/large": len(content),
        "b": 0,
        "c/copy": len(content),
    }
    assert store.children("x") == ["a", "b", "c"]
    store.delete("x/b")
    store.delete("x/b")
    store.delete_below("x/a")
    store.delete_below("x/a")
    assert set(store.objects("x")) == {"c/copy"}
    with pytest.raises(FileNotFoundError):
        store.read("x/b")
    assert store.objects("nothing/there") == {}


def test_a_storage_that_can_be_used_is_left_as_it_was(store: ObjectStore) -> None:
    store.write("x/sign", b"token")
    assert store.access_error() == ""
    assert store.access_error("x/sign", "token") == ""
    assert set(store.objects("x")) == {"sign"}


def test_a_storage_of_ones_own_is_noticed(store: ObjectStore) -> None:
    store.write("x/sign", b"of an earlier day")
    assert store.access_error("x/sign", "token") == "another object stands in the place of the probe's"
    assert store.access_error("x/other", "token") == "files written by the head are not visible there"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("s4://bucket/x", "--storage 's4://bucket/x' is no address of an object store; write s3://BUCKET/PREFIX"),
        ("runs", "--storage 'runs' is no address of an object store"),
        ("file:///runs", "is no address of an object store"),
        ("s3://", "names no bucket"),
        ("s3://bucket/x?endpoint=host:1", "Unexpected query parameter in S3 URI: 'endpoint'"),
        ("s3://[bucket/x", "--storage is no address"),
        ("s3://me:s3cret@bucket/x", "--storage holds a name or a password"),
    ],
)
def test_what_is_no_address_is_refused_in_a_line_without_a_password(uri: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        ObjectStore(uri)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_bucket_that_is_not_there_is_named(s3: S3) -> None:
    assert ObjectStore(s3.uri("nobody/x")).access_error() == "there is no bucket nobody; make it, or check its name"


def test_a_server_that_is_not_there_is_told(s3: S3) -> None:
    error = ObjectStore(S3(free_port()).uri("bucket")).access_error()
    assert error.startswith("it does not answer (")
    assert error.endswith("check endpoint_override (or AWS_ENDPOINT_URL) and scheme")
    assert "\n" not in error


REFUSED = "access denied ("
REMEDY = "); set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or ~/.aws/credentials"


def test_credentials_that_the_server_does_not_take_are_told(store: ObjectStore, s3: S3) -> None:
    s3.allow(0)
    error = store.access_error()
    assert error.startswith(REFUSED)
    assert error.endswith(REMEDY)
    assert "s3cret" not in error


def test_without_credentials_it_says_which_to_set(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.write("x/sign", b"token")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("HOME", "/nowhere")
    error = ObjectStore(store.uri).access_error("x/sign", "token")  # moto lets anybody write, and nobody unknown read
    assert error.startswith(REFUSED)
    assert error.endswith(REMEDY)
