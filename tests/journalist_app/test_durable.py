from pathlib import Path

import pytest

from journalist_app.durable import new_directory, new_file, remove_partial_files


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    """Until the block ends there is no file of that name; then it is all there."""
    path = tmp_path / "bundle.tar"
    with new_file(path) as file:
        file.write(b"whole")
        assert not path.exists()
    assert b"whole" == path.read_bytes()
    assert 0o600 == path.stat().st_mode & 0o777
    assert [path] == list(tmp_path.iterdir())


def test_a_failure_leaves_no_file(tmp_path: Path) -> None:
    """Neither a part nor a temporary file stays."""
    with pytest.raises(RuntimeError), new_file(tmp_path / "bundle.tar") as file:
        file.write(b"half")
        raise RuntimeError
    assert [] == list(tmp_path.iterdir())


def test_a_file_is_replaced_only_on_request(tmp_path: Path) -> None:
    """What exists stays, unless the caller says otherwise."""
    path = tmp_path / "notes.json"
    path.write_bytes(b"old")
    with pytest.raises(FileExistsError), new_file(path):
        pass
    assert b"old" == path.read_bytes()
    with new_file(path, replace=True) as file:
        file.write(b"new")
    assert b"new" == path.read_bytes()


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    """A failure removes everything that was made in it."""
    path = tmp_path / "deep" / "desk"
    with pytest.raises(RuntimeError), new_directory(path) as partial:
        (partial / "half").touch()
        raise RuntimeError
    assert [] == list(path.parent.iterdir())
    with new_directory(path) as partial:
        (partial / "whole").touch()
    assert [path / "whole"] == list(path.iterdir())
    assert 0o700 == path.stat().st_mode & 0o777
    with pytest.raises(FileExistsError), new_directory(path):
        pass


def test_what_an_interruption_left_is_removed(tmp_path: Path) -> None:
    """Hidden partial files go, finished ones stay."""
    (tmp_path / ".item.pgp.x7").touch()
    (tmp_path / "item.pgp").touch()
    remove_partial_files(tmp_path)
    assert [tmp_path / "item.pgp"] == list(tmp_path.iterdir())
