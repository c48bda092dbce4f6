"""`python -m config.local`, as a shell sees it: real servers, real signals."""

import contextlib
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from config.cluster import MARK, TEMPORARY, temporary_folder
from config.local import free_port
from config.processes import send, tree
from config.services import ROOT_HOME, remove_sockets

CLONE = Path(__file__).resolve().parents[2]
# Nothing that a developer has set reaches the runner under test: it would use that, and not what it makes itself.
ENVIRONMENT = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ}


def query(code):
    """A command for the runner: Python with a cursor on the owner's connection."""
    connect = "import os, signal, time, psycopg2; connection = psycopg2.connect(os.environ['OWNER_DATABASE_URL'])"
    return "--", "python", "-c", f"{connect}; connection.autocommit = True; cursor = connection.cursor()\n{code}"


@pytest.fixture
def folder():
    """A new run folder, reachable for root's unprivileged account. Afterwards nothing may use it any more."""
    path = Path(tempfile.mkdtemp(prefix="runner-", dir="/tmp"))
    path.chmod(0o711)
    yield path
    deadline = time.monotonic() + 30
    while (left := users_of(path)) and time.monotonic() < deadline:
        time.sleep(0.1)
    send(left, signal.SIGKILL)
    shutil.rmtree(path)
    assert not left, f"still running: {left}"


def start(*arguments, cwd=CLONE, env=ENVIRONMENT, **options):
    argv = [sys.executable, "-m", "config.local", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(argv, cwd=cwd, env=env, **pipes, **options)


def run(*arguments, **options):
    runner = start(*arguments, **options)
    out, err = runner.communicate(timeout=180)
    return runner.returncode, out, err


def users_of(folder):
    """The processes that work in the folder or name it on their command line."""
    found = []
    for process in psutil.process_iter():
        try:
            named = str(folder) in " ".join(process.cmdline()) or process.cwd().startswith(str(folder))
            if named and process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


def wait_for(true, seconds=120):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def names(processes):
    found = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            found.add(process.name())
    return found


def all_gone(processes):
    def gone(process):
        try:
            return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    wait_for(lambda: all(map(gone, processes)))


def wait_for_line(runner):
    line = runner.stdout.readline().strip()
    assert line, runner.stderr.read()
    return line


def test_the_command_has_servers_of_its_own_and_its_output_and_exit_code_are_passed_on():
    command = query("print(os.environ['MEDIA_ROOT']); cursor.execute('SELECT 1'); raise SystemExit(7)")
    exit_code, out, err = run("--temporary", "--no-migrate", *command)
    assert (exit_code, err) == (7, "")
    assert not Path(out.strip()).parent.exists()


def test_temporary_servers_are_used_whatever_else_is_set():
    outside = {
        "DATABASE_URL": "postgresql://somewhere/",
        "PGPORT": "1",
        "PGHOSTADDR": "127.0.0.1",
        "MEDIA_ROOT": "/mine",
    }
    command = query("cursor.execute('SELECT 1'); print(os.environ['MEDIA_ROOT'], os.environ['DATABASE_URL'])")
    exit_code, out, err = run("--temporary", "--no-migrate", *command, env=ENVIRONMENT | outside)
    assert (exit_code, err) == (0, "")
    assert "somewhere" not in out
    assert "/mine" not in out


def test_servers_named_by_the_environment_are_left_to_the_user(folder):
    urls = {"DATABASE_URL": "postgresql://somewhere/", "BROKER_URL": "redis://somewhere/"}
    look = "import os; print(os.environ['DATABASE_URL'], os.environ['BROKER_URL'], 'OWNER_DATABASE_URL' in os.environ)"
    exit_code, out, err = run("--folder", folder, "--", "python", "-c", look, env=ENVIRONMENT | urls)
    assert (exit_code, out, err) == (0, "postgresql://somewhere/ redis://somewhere/ False\n", "")
    assert not (folder / "pg").exists()


def test_after_kill_9_of_the_runner_nothing_is_left():
    # The command ignores SIGTERM, and its own child has left its process group.
    script = "trap '' TERM; setsid sleep 600 & echo \"$MEDIA_ROOT\"; exec sleep 600"
    runner = start("--temporary", "--no-migrate", "--", "bash", "-c", script)
    temporary = Path(wait_for_line(runner)).parent
    wait_for(lambda: {"postgres", "valkey-server", "sleep"} <= names(tree(runner.pid)))
    everything = psutil.Process(runner.pid).children(recursive=True)
    runner.kill()
    all_gone(everything)
    assert not temporary.exists()


def test_even_after_kill_9_of_the_guard_nothing_is_left(folder):
    runner = start("--folder", folder, "--no-migrate", "--", "sleep", "600")
    wait_for(lambda: {"postgres", "valkey-server", "sleep"} <= names(tree(runner.pid)))
    everything = psutil.Process(runner.pid).children(recursive=True)
    everything[0].kill()
    runner.kill()
    all_gone(everything)


def test_on_sigterm_the_command_ends_before_the_servers():
    command = query(
        "def stop(*_):\n"
        "    time.sleep(0.5); cursor.execute('SELECT 42'); print(cursor.fetchone()[0]); raise SystemExit(3)\n"
        "signal.signal(signal.SIGTERM, stop); print('ready', flush=True); time.sleep(600)"
    )
    runner = start("--temporary", "--no-migrate", *command)
    wait_for_line(runner)
    everything = psutil.Process(runner.pid).children(recursive=True)
    runner.terminate()
    out, err = runner.communicate(timeout=180)
    assert (runner.returncode, out.strip(), err) == (3, "42", "")
    all_gone(everything)


def test_the_runner_ends_when_the_process_that_called_it_is_killed():
    command = '"$0" -m config.local --temporary --no-migrate --with-parent -- sleep 600; true'
    shell = subprocess.Popen(["bash", "-c", command, sys.executable], cwd=CLONE, env=ENVIRONMENT)
    wait_for(lambda: "sleep" in names(tree(shell.pid)))
    everything = psutil.Process(shell.pid).children(recursive=True)
    shell.kill()
    shell.wait()
    all_gone(everything)


def test_a_second_runner_joins_the_first_and_outlives_it(folder):
    options = ("--folder", folder, "--no-migrate")
    first = start(*options, *query("print('up', flush=True); input()"), stdin=subprocess.PIPE)
    wait_for_line(first)
    wait_and_ask = query("print('in', flush=True); input(); cursor.execute('SELECT 43'); print(cursor.fetchone()[0])")
    second = start(*options, *wait_and_ask, stdin=subprocess.PIPE)
    wait_for_line(second)
    refused = run("--folder", folder, "--reset", "--", "true")
    first.communicate("\n", timeout=180)
    out, err = second.communicate("\n", timeout=180)
    assert (second.returncode, out.strip(), err) == (0, "43", "")
    assert refused[0] == 1
    assert "Stop it first" in refused[2]


def test_many_that_start_at_the_same_instant_share_one_server(folder):
    ask = query("cursor.execute('SELECT pg_postmaster_start_time()'); print(cursor.fetchone()[0]); time.sleep(1)")
    runners = [start("--folder", folder, "--no-migrate", *ask) for _ in range(4)]
    answers = [runner.communicate(timeout=180) for runner in runners]
    assert [runner.returncode for runner in runners] == [0] * 4, answers
    assert len({out for out, _ in answers}) == 1


def test_data_and_keys_survive_a_crash_and_a_foreign_process_with_the_old_pid(folder):
    options = ("--folder", folder, "--no-migrate")
    keep = (
        "cursor.execute('CREATE TABLE kept AS SELECT 1'); print(os.environ['FIELD_KEYS'], flush=True); time.sleep(600)"
    )
    runner = start(*options, *query(keep))
    keys = wait_for_line(runner)
    everything = psutil.Process(runner.pid).children(recursive=True)
    runner.kill()
    send(everything, signal.SIGKILL)
    all_gone(everything)
    note = folder / "pg" / "postmaster.pid"
    lines = note.read_text().splitlines()
    note.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    look = query("cursor.execute('SELECT * FROM kept'); print(os.environ['FIELD_KEYS'])")
    assert run(*options, *look) == (0, keys + "\n", "")
    assert stat.S_IMODE((folder / "secrets.json").stat().st_mode) == 0o600


def test_reset_starts_from_nothing(folder):
    options = ("--folder", folder, "--no-migrate")
    touch = "open(os.environ['MEDIA_ROOT'] + '/file', 'w').close(); print(os.environ['SECRET_KEY'])"
    _, before, _ = run(*options, *query(touch))
    look = "print(os.environ['SECRET_KEY'], os.listdir(os.environ['MEDIA_ROOT']))"
    assert run(*options, *query(look))[1] == f"{before.strip()} ['file']\n"
    _, after, _ = run(*options, "--reset", *query(look))
    assert after.endswith(" []\n")
    assert before.strip() not in after


def test_forgotten_temporary_folders_are_swept_and_no_others():
    folders = {}
    for name in ("forgotten", "recent", "foreign"):
        folders[name] = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir="/tmp"))
        if name != "foreign":
            (folders[name] / MARK).touch()
        if name != "recent":
            os.utime(folders[name], (0, 0))
    try:
        temporary_folder().rmdir()
        assert [name for name, folder in folders.items() if not folder.exists()] == ["forgotten"]
    finally:
        for folder in folders.values():
            (folder / MARK).unlink(missing_ok=True)
            with contextlib.suppress(FileNotFoundError):
                folder.rmdir()


def test_a_killed_server_is_started_again(folder):
    options = ("--folder", folder, "--no-migrate")
    runner = start(*options, "--", "sh", "-c", "echo up; read line", stdin=subprocess.PIPE)
    wait_for_line(runner)
    guard = psutil.Process(runner.pid).children()[0]

    def servers():
        found = {}
        for process in guard.children():
            # One that ends between being listed and being asked for its name is none of them.
            with contextlib.suppress(psutil.NoSuchProcess):
                found[process.name()] = process.pid
        return {name: found[name] for name in ("postgres", "valkey-server") if name in found}

    before = servers()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: len(servers()) == 2 and not set(servers().values()) & set(before.values()))
    assert run(*options, *query("cursor.execute('SELECT 1')"))[0] == 0
    _, err = runner.communicate("\n", timeout=180)
    assert "is started again" in err


def test_a_clone_may_lie_under_any_name(tmp_path):
    clone = tmp_path / '算力 券\'s "clone" $HOME' / ("长" * 40)
    shutil.copytree(CLONE / "config", clone / "config")
    kept = ROOT_HOME / hashlib.sha256(os.fsencode(clone)).hexdigest()[:12] if os.geteuid() == 0 else clone / ".run"
    try:
        assert run("--no-migrate", *query("print('answered')"), cwd=clone) == (0, "answered\n", "")
        assert (kept / "pg" / "PG_VERSION").exists()
    finally:
        if (kept / MARK).is_file():
            shutil.rmtree(kept)


def test_a_folder_with_something_else_in_it_is_left_alone(folder):
    (folder / "media").mkdir()
    (folder / "media" / "photo").write_text("mine")
    exit_code, _, err = run("--folder", folder, "--reset", "--", "true")
    assert (exit_code, (folder / "media" / "photo").read_text()) == (1, "mine")
    assert "holds something else" in err


@pytest.mark.parametrize("named", ["/tmp", "/tmp/vouchers", "/", "", "."])
def test_only_folders_made_for_sockets_are_removed_as_such(folder, named, monkeypatch):
    removed = []
    monkeypatch.setattr("config.services.shutil.rmtree", lambda path, **_: removed.append(path))
    remove_sockets(named, folder)
    assert removed == []
    remove_sockets(str(folder / "sockets"), folder)
    assert removed == [folder / "sockets"]


def test_the_tables_are_brought_up_to_date_once(folder):
    command = ("--folder", folder, "--", "python", "manage.py", "migrate", "--check", "--database", "owner")
    exit_code, _, err = run(*command)
    assert (exit_code, "up to date" in err) == (0, True), err
    assert run(*command)[::2] == (0, "")


def test_the_portal_is_served_until_ctrl_c():
    code = "import os; print(os.environ['PORTAL_URL'])"
    runner = start("--temporary", "--no-migrate", "--serve", "--", "python", "-c", code)
    address = wait_for_line(runner)
    host, port = urlsplit(address).netloc.split(":")
    ask = (
        "import http.client, sys\n"
        "c = http.client.HTTPConnection(sys.argv[1], int(sys.argv[2]), timeout=150)\n"
        "c.request('GET', '/'); print(c.getresponse().getheader('Server'))"
    )
    answer = subprocess.run([sys.executable, "-c", ask, host, port], capture_output=True, text=True, timeout=180)
    everything = psutil.Process(runner.pid).children(recursive=True)
    runner.send_signal(signal.SIGINT)
    _, err = runner.communicate(timeout=180)
    assert "gunicorn" in answer.stdout, answer.stderr + err
    assert runner.returncode == 0
    assert f"Serving {address}" in err
    all_gone(everything)


def test_a_busy_port_is_passed_by(capfd):
    with free_port() as first, free_port() as second:
        assert first.getsockname()[1] < second.getsockname()[1]
    assert "in use" in capfd.readouterr().err
