"""An echo bot: says to everybody what they said. After whinchat-rpc sign-in --accept-terms:
python3 echo.py whinchat-rpc serve --data DIR --events"""
import json, subprocess, sys

rpc = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

def say(command, **args):
    line = {"id": command, "command": command} | ({"args": args} if args else {})
    print(json.dumps(line), file=rpc.stdin, flush=True)

say("accounts")
for line in map(json.loads, rpc.stdout):
    if line.get("id") == "accounts":
        for account in line["ok"]:
            say("open", account=account["id"])
    elif line.get("event") == "message":
        account, message = line["value"]["account"], line["value"]["message"]
        say("send", account=account, conversation=message["conversation"], text=message["text"])
        say("mark_read", account=account, conversation=message["conversation"], until=message["sort"])
    elif "error" in line:
        print(line["error"]["code"], file=sys.stderr)
