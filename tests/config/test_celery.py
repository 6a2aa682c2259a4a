"""The Celery application: what a worker does when its broker is lost."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from kombu import Connection
from kombu.message import Message
from kombu.transport.redis import Channel

from config.celery import outlive_the_broker
from tests.flow.broker import Broker, running_broker

pytestmark = pytest.mark.scaled_out


@pytest.fixture(autouse=True)
def outliving(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_connparams", "do_restore"):  # so that both are put back
        monkeypatch.setattr(Channel, name, getattr(Channel, name))
    outlive_the_broker()


@pytest.fixture
def broker() -> Iterator[Broker]:
    with running_broker() as broker:
        yield broker


@pytest.mark.parametrize("use", [Message.ack, Message.reject, Message.requeue])
def test_a_task_that_ends_after_its_broker_died_sees_a_lost_connection(
    broker: Broker, use: Callable[[Message], None]
):
    connection = Connection(broker.url)
    queue = connection.SimpleQueue("waiting")
    queue.put("a task")
    message = queue.get(timeout=5)
    broker.kill()
    with suppress(connection.connection_errors):
        connection.collect()
    message.channel._disconnect_pools()  # giving the task back may have left one
    broker.start()
    with pytest.raises(connection.connection_errors):
        use(message)
