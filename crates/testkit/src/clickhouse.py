"""ClickHouse's HTTP interface over its real engine, as much of it as the tests use.

Arguments: a directory for the data, and the port. Whoever asks must be `watchkeeper` with the password `hunter2222`.
Statements come as the body, their database and parameters in the address; errors are told as ClickHouse tells them.
"""
import http.server
import re
import sys
import threading
import urllib.parse

from chdb import session

engine = session.Session(sys.argv[1])
lock = threading.Lock()
USER = ("watchkeeper", "hunter2222")


class Door(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query, keep_blank_values=True)
        if (self.headers.get("X-ClickHouse-User"), self.headers.get("X-ClickHouse-Key")) != USER:
            return self.say(403, b"Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)\n")
        try:
            self.say(200, run(body, asked))
        except Exception as error:
            said = str(error)
            number = re.search(r"Code: (\d+)\.", said)
            status = 404 if number and number[1] in ("60", "81") else 500
            self.say(status, said.encode())

    def say(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def run(statement, asked):
    with lock:
        if database := asked.get("database"):
            engine.query(f"USE `{database[0]}`")
        values = {name[6:]: value[0] for name, value in asked.items() if name.startswith("param_")}
        return engine.query(statement, "JSONEachRow", params=values or None).bytes()


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Door)
print(server.server_address[1], flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
