"""L1's agent: one TCP connection, one JSON line with a verb, then that verb's answer.

exec      {"cmd", "timeout", "user"?}       raw output, then a trailer: NUL, "rc=N t=SECONDS", newline
mark      {"file"}                          {"offset"}: where the file ends now
waitline  {"file", "regex", "from", "timeout", "last"?}
                                            {"line", "offset"} or {"timeout": true}; with "last" only the newest line that matches "last" counts
waitvalue {"path", "regex", "timeout"}      {"value"} or {"timeout": true, "value"}; a link's target, a file's text, "" for what is absent
relay     {"path"}                          becomes a raw stream to that unix socket, "ok" first; "no REASON" when it does not answer
"""
import json
import os
import re
import signal
import socket
import socketserver
import subprocess
import threading
import time

POLL = 0.02


def last_end(path, start):
    try:
        with open(path, "rb") as log:
            size = os.fstat(log.fileno()).st_size
            if size < start:  # the file was begun anew
                start = 0
            log.seek(start)
            data = log.read()
    except FileNotFoundError:
        return start, b""
    return start, data[: data.rfind(b"\n") + 1]  # complete lines only


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline()
        if not line:
            return
        query = json.loads(line)
        getattr(self, "do_" + query.get("verb", "exec"))(query)

    def reply(self, value):
        self.wfile.write((json.dumps(value) + "\n").encode())

    def do_exec(self, query):
        begun = time.monotonic()
        args = ["/bin/bash", "-c", query["cmd"]]
        if query.get("user"):
            args = ["setpriv", "--reuid", query["user"], "--regid", query["user"], "--init-groups", "--"] + args
        out = self.connection.fileno()
        process = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        try:
            code = process.wait(query.get("timeout", 300))
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = 124
        self.wfile.write(("\x00rc=%d t=%.2f\n" % (code, time.monotonic() - begun)).encode())

    def do_mark(self, query):
        try:
            self.reply({"offset": os.stat(query["file"]).st_size})
        except FileNotFoundError:
            self.reply({"offset": 0})

    def do_waitline(self, query):
        wanted = re.compile(query["regex"].encode())
        last = re.compile(query["last"].encode()) if query.get("last") else None
        offset = query.get("from", 0)
        end = time.monotonic() + query.get("timeout", 60)
        newest = None
        while True:
            begin, data = last_end(query["file"], offset)
            offset = begin
            for line in data.splitlines(keepends=True):
                offset += len(line)
                if last is None:
                    if wanted.search(line):
                        return self.reply({"line": line.decode("utf-8", "replace").rstrip(), "offset": offset})
                elif last.search(line):
                    newest = (line, offset)
            if newest and wanted.search(newest[0]):
                return self.reply({"line": newest[0].decode("utf-8", "replace").rstrip(), "offset": newest[1]})
            if time.monotonic() > end:
                seen = newest[0].decode("utf-8", "replace").rstrip() if newest else None
                return self.reply({"timeout": True, "line": seen, "offset": offset})
            time.sleep(POLL)

    def do_waitvalue(self, query):
        wanted = re.compile(query["regex"])
        end = time.monotonic() + query.get("timeout", 60)
        while True:
            value = value_of(query["path"])
            if wanted.search(value):
                return self.reply({"value": value})
            if time.monotonic() > end:
                return self.reply({"timeout": True, "value": value})
            time.sleep(POLL)

    def do_relay(self, query):
        peer = socket.socket(socket.AF_UNIX)
        try:
            peer.connect(query["path"])
        except OSError as error:
            self.wfile.write(("no %s\n" % error).encode())
            return
        self.wfile.write(b"ok\n")
        self.wfile.flush()
        back = threading.Thread(target=pump, args=(peer, self.connection), daemon=True)
        back.start()
        pump(self.connection, peer)
        back.join()


def value_of(path):
    try:
        if os.path.islink(path):
            return os.readlink(path)
        if os.path.isdir(path):
            return "."
        with open(path, "rb") as file:
            return file.read(65536).decode("utf-8", "replace").rstrip("\n")
    except OSError:
        return ""


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    for end in (source, sink):  # either end gone ends both: a killed daemon must look dead to the test's client
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64


Server(("0.0.0.0", 9000), Handler).serve_forever()
