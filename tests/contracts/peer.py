"""Reads messages as JSON lines, says of each whether the `standardwebhooks` package believes it, and signs it anew."""

import json
import sys
from datetime import datetime, timezone

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        webhook = Webhook(message["secret"])
        headers = {f"webhook-{name}": message[name] for name in ("id", "timestamp", "signature")}
        time = datetime.fromtimestamp(int(message["timestamp"]), tz=timezone.utc)
        signature = webhook.sign(message["id"], time, message["body"])
        print(json.dumps({"believed": is_believed(webhook, message["body"], headers), "signature": signature}))


def is_believed(webhook: Webhook, body: str, headers: dict[str, str]) -> bool:
    try:
        webhook.verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


if __name__ == "__main__":
    main()
