"""The HR side of the bus, played by a client that we did not write.

  python hr.py PORT AUTHORITY.pem LOGIN VHOST

The password comes first on standard input, then one JSON order per line; one JSON answer per order on standard output:
  {"act": "take", "queue": Q}                               → {"body": …, "headers": …, "persistent": bool, …}: waits for it, acknowledges it
  {"act": "send", "headers": …, "body": …, "user_id": …}    → {"sent": true}: confirmed by the broker, through the exchange
  {"act": "count", "queue": Q}                              → {"messages": n}
What the broker refuses → {"refused": its code, "why": its words}. A body is text; one that is not is sent as "body64", in base64.
"""

import base64
import json
import ssl
import sys

import pika

EXCHANGE = "mob.headers"


class Hr:
    def __init__(self, port, authority, login, vhost, password):
        context = ssl.create_default_context(cafile=authority)
        self.parameters = pika.ConnectionParameters(
            host="localhost",
            port=int(port),
            virtual_host=vhost,
            credentials=pika.PlainCredentials(login, password),
            ssl_options=pika.SSLOptions(context, "localhost"),
        )
        self.connection = None

    def channel(self):
        if self.connection is None or self.connection.is_closed:
            self.connection = pika.BlockingConnection(self.parameters)
        return self.connection.channel()

    def take(self, queue):
        channel = self.channel()
        for method, properties, body in channel.consume(queue):
            channel.basic_ack(method.delivery_tag)
            channel.cancel()
            channel.close()
            return {
                "body": body.decode(),
                "headers": properties.headers,
                "persistent": properties.delivery_mode == 2,
                "content_type": properties.content_type,
                "message_id": properties.message_id,
                "exchange": method.exchange,
                "routing_key": method.routing_key,
            }

    def send(self, headers, body="", body64=None, user_id=None, routing_key="", exchange=EXCHANGE):
        octets = body.encode() if body64 is None else base64.b64decode(body64)
        channel = self.channel()
        channel.confirm_delivery()
        properties = pika.BasicProperties(delivery_mode=2, headers=headers, user_id=user_id)
        channel.basic_publish(exchange, routing_key, octets, properties, mandatory=True)
        channel.close()
        return {"sent": True}

    def count(self, queue):
        channel = self.channel()
        found = channel.queue_declare(queue, passive=True)
        channel.close()
        return {"messages": found.method.message_count}


def main():
    password = sys.stdin.readline().rstrip("\n")
    hr = Hr(*sys.argv[1:], password)
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = getattr(hr, order.pop("act"))(**order)
        except pika.exceptions.UnroutableError:
            answer = {"refused": 312, "why": "no queue takes it"}
        except pika.exceptions.NackError:
            answer = {"refused": 0, "why": "not accepted"}
        except (pika.exceptions.ChannelClosedByBroker, pika.exceptions.ConnectionClosedByBroker) as error:
            answer = {"refused": error.reply_code, "why": error.reply_text}
        except pika.exceptions.AMQPConnectionError as error:
            answer = {"refused": 403, "why": repr(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
