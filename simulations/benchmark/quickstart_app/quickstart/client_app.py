"""The ClientApp, with the same steps as in the quickstart."""

import keras
from flwr.app import ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from .task import load_data, load_model

app = ClientApp()


@app.train()
def train(msg: Message, context: Context) -> Message:
    """Load data and model, train, and return the weights."""
    keras.backend.clear_session()
    settings = context.run_config
    images, labels = load_data(
        str(settings["data"]),
        int(context.node_config["partition-id"]),
        int(context.node_config["num-partitions"]),
    )
    model = load_model(str(settings["model"]), float(settings["learning-rate"]))
    model.set_weights(msg.content.array_records["arrays"].to_numpy_ndarrays())
    history = model.fit(
        images,
        labels,
        epochs=int(settings["local-epochs"]),
        batch_size=int(settings["batch-size"]),
        verbose=0,
    )
    metrics: dict[str, int | float | list[int] | list[float]] = {
        "num-examples": len(images),
        "train_loss": float(history.history["loss"][-1]),
    }
    content = RecordDict(
        {"arrays": ArrayRecord(model.get_weights()), "metrics": MetricRecord(metrics)}
    )
    return Message(content, reply_to=msg)
