package annals.example;

import annals.v1.AppendToStreamRequest;
import annals.v1.AppendToStreamResponse;
import annals.v1.EventStoreServiceGrpc;
import annals.v1.EventStoreServiceGrpc.EventStoreServiceBlockingStub;
import annals.v1.ExpectedRevision;
import annals.v1.NewEvent;
import annals.v1.Query;
import annals.v1.QueryItem;
import annals.v1.RecordedEvent;
import annals.v1.SubscribeAllRequest;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.Empty;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.ErrorInfo;
import io.grpc.Context;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/**
 * A program without a client library: the stubs that {@code buf generate} makes, and gRPC. It appends two events to a
 * new stream, follows the log from there, and ends when it has seen both.
 *
 * <pre>client/java/run http://127.0.0.1:2113</pre>
 */
public final class Main {
  /** Maximum time for the whole program. */
  private static final int PATIENCE_SECONDS = 30;
  /** The events of one append may come in one message, which can exceed gRPC's default limit. */
  private static final int MESSAGE_BYTES_MAX = 64 << 20;
  /** A ping during an open call distinguishes a server that hangs from one that has nothing to send. */
  private static final int PING_AFTER_SECONDS = 10;

  private final EventStoreServiceBlockingStub store;

  private Main(EventStoreServiceBlockingStub store) {
    this.store = store;
  }

  public static void main(String[] arguments) throws InterruptedException {
    String endpoint = arguments.length > 0 ? arguments[0] : "http://127.0.0.1:2113";
    // Plain text: TLS, where there is any, ends at a proxy in front of the server.
    String target = endpoint.replaceFirst("^http://", "");
    ManagedChannel channel = Grpc.newChannelBuilder(target, InsecureChannelCredentials.create())
        .maxInboundMessageSize(MESSAGE_BYTES_MAX)
        .keepAliveTime(PING_AFTER_SECONDS, TimeUnit.SECONDS)
        .build();
    try {
      // Where the server may still be starting, or is away for a moment: the ids make trying again safe.
      new Main(EventStoreServiceGrpc.newBlockingStub(channel).withWaitForReady()).run();
    } finally {
      channel.shutdownNow().awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS);
    }
  }

  private void run() {
    String stream = "order-" + UUID.randomUUID();
    ExpectedRevision noStream = ExpectedRevision.newBuilder().setNoStream(Empty.getDefaultInstance()).build();
    AppendToStreamResponse placed = append(stream, noStream, event("OrderPlaced", "{\"total\":42}"));
    System.out.println("appended OrderPlaced at revision " + placed.getLastRevision());

    ExpectedRevision afterPlaced = ExpectedRevision.newBuilder().setRevision(placed.getLastRevision()).build();
    NewEvent paid = event("OrderPaid", "{\"by\":\"card\"}");
    append(stream, afterPlaced, paid);
    // The same ids again, as after an answer that was lost: nothing is written twice.
    AppendToStreamResponse again = append(stream, afterPlaced, paid);
    System.out.println(
        "appended OrderPaid at revision " + again.getLastRevision() + " already: " + again.getAlreadyAppended());

    // Another append that expects the same revision is refused: read again, decide again.
    try {
      append(stream, afterPlaced, event("OrderCancelled", "{}"));
      throw new IllegalStateException("an append that expects a revision that is past was written");
    } catch (StatusRuntimeException refused) {
      System.out.println("refused OrderCancelled: " + reason(refused));
    }
    follow(stream, placed.getFirstPosition() - 1);
  }

  private AppendToStreamResponse append(String stream, ExpectedRevision expected, NewEvent event) {
    return store
        .withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS)
        .appendToStream(AppendToStreamRequest.newBuilder().setStream(stream).setExpected(expected).addEvents(event).build());
  }

  /** Prints the stream's events after a position of the log, until everything there is was sent. */
  private void follow(String stream, long after) {
    SubscribeAllRequest request = SubscribeAllRequest.newBuilder()
        .setAfter(after)
        .setQuery(Query.newBuilder().addItems(QueryItem.newBuilder().addStreams(stream)))
        .build();
    try (Context.CancellableContext call = Context.current().withCancellation()) {
      call.run(() -> {
        // A projection stores the position with what it wrote, and after an error subscribes again behind it.
        var messages = store.withDeadlineAfter(PATIENCE_SECONDS, TimeUnit.SECONDS).subscribeAll(request);
        while (messages.hasNext()) {
          var message = messages.next();
          switch (message.getContentCase()) {
            case EVENTS -> message.getEvents().getEventsList().forEach(Main::print);
            case CHECKPOINT -> System.out.println("nothing unsent up to " + message.getCheckpoint().getPosition());
            case CAUGHT_UP -> {
              System.out.println("caught up");
              return;
            }
            default -> { }
          }
        }
      });
    }
  }

  private static void print(RecordedEvent event) {
    String data = event.getData().toStringUtf8();
    System.out.println("received " + event.getType() + " " + data + " at revision " + event.getRevision());
  }

  private static NewEvent event(String type, String data) {
    return NewEvent.newBuilder()
        .setId(UUID.randomUUID().toString())
        .setType(type)
        .setData(ByteString.copyFromUtf8(data))
        .build();
  }

  /** Why the server refused a call, as proto/annals/v1/errors.proto lists it. */
  private static String reason(StatusRuntimeException refused) {
    var status = StatusProto.fromThrowable(refused);
    for (Any detail : status.getDetailsList()) {
      if (detail.is(ErrorInfo.class)) {
        try {
          return detail.unpack(ErrorInfo.class).getReason();
        } catch (InvalidProtocolBufferException malformed) {
          throw new IllegalStateException("the server sent a malformed ErrorInfo", malformed);
        }
      }
    }
    return status.getMessage();
  }
}
