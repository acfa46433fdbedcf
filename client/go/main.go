// A program without a client library: the stubs that `buf generate` makes, and gRPC. It appends two events to a stream
// of its own, follows the log from there, and ends when it has received both.
//
//	client/go/run http://127.0.0.1:2113
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	annals "annals-example/stubs/annals/v1"
)

const (
	// Time limit of the whole program.
	patience = 30 * time.Second
	// The events of one append may arrive in one message, which can exceed gRPC's default limit.
	messageBytesMax = 64 << 20
	// Interval of pings while a call is open; they distinguish a server that hangs from one with nothing to send.
	pingAfter = 10 * time.Second
)

func main() {
	endpoint := "http://127.0.0.1:2113"
	if len(os.Args) > 1 {
		endpoint = os.Args[1]
	}
	if err := run(endpoint); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(endpoint string) error {
	// Plain text: TLS, where there is any, ends at a proxy in front of the server.
	target := strings.TrimPrefix(endpoint, "http://")
	connection, err := grpc.NewClient(target,
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageBytesMax)),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter}))
	if err != nil {
		return fmt.Errorf("%s is no endpoint: %w", endpoint, err)
	}
	defer connection.Close()
	store := annals.NewEventStoreServiceClient(connection)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	stream := "order-" + uuid.NewString()
	placed, err := appendTo(ctx, store, stream, noStream(), event("OrderPlaced", `{"total":42}`))
	if err != nil {
		return err
	}
	fmt.Println("appended OrderPlaced at revision", placed.LastRevision)
	paid := event("OrderPaid", `{"by":"card"}`)
	if _, err = appendTo(ctx, store, stream, revision(placed.LastRevision), paid); err != nil {
		return err
	}
	// The same ids again, as after an answer that was lost: nothing is written twice.
	again, err := appendTo(ctx, store, stream, revision(placed.LastRevision), paid)
	if err != nil {
		return err
	}
	fmt.Println("appended OrderPaid at revision", again.LastRevision, "already:", again.AlreadyAppended)
	// Another append that expects the same revision is refused: read again, decide again.
	_, err = appendTo(ctx, store, stream, revision(placed.LastRevision), event("OrderCancelled", `{}`))
	if err == nil {
		return fmt.Errorf("an append that expects revision %d of a stream that is at 1 was written", placed.LastRevision)
	}
	fmt.Println("refused OrderCancelled:", reason(err))
	return follow(ctx, store, stream, placed.FirstPosition-1)
}

func appendTo(
	ctx context.Context,
	store annals.EventStoreServiceClient,
	stream string,
	expected *annals.ExpectedRevision,
	events ...*annals.NewEvent,
) (*annals.AppendToStreamResponse, error) {
	request := &annals.AppendToStreamRequest{Stream: stream, Expected: expected, Events: events}
	// Waits for a server that is starting or briefly unreachable; the event ids make retries safe.
	return store.AppendToStream(ctx, request, grpc.WaitForReady(true))
}

// follow prints the stream's events after a position of the log, until everything there is was sent.
func follow(ctx context.Context, store annals.EventStoreServiceClient, stream string, after uint64) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request := &annals.SubscribeAllRequest{
		Start: &annals.SubscribeAllRequest_After{After: after},
		Query: &annals.Query{Items: []*annals.QueryItem{{Streams: []string{stream}}}},
	}
	subscription, err := store.SubscribeAll(ctx, request)
	if err != nil {
		return err
	}
	for {
		// A projection stores the position with its changes, and after an error subscribes again after that position.
		message, err := subscription.Recv()
		if err != nil {
			return err
		}
		switch content := message.Content.(type) {
		case *annals.SubscribeAllResponse_Events:
			for _, event := range content.Events.Events {
				fmt.Println("received", event.Type, string(event.Data), "at revision", event.Revision)
			}
		case *annals.SubscribeAllResponse_Checkpoint:
			fmt.Println("nothing unsent up to", content.Checkpoint.Position)
		case *annals.SubscribeAllResponse_CaughtUp:
			fmt.Println("caught up")
			return nil
		}
	}
}

func event(kind, data string) *annals.NewEvent {
	return &annals.NewEvent{Id: uuid.NewString(), Type: kind, Data: []byte(data)}
}

func noStream() *annals.ExpectedRevision {
	return &annals.ExpectedRevision{Expected: &annals.ExpectedRevision_NoStream{NoStream: &emptypb.Empty{}}}
}

func revision(revision uint64) *annals.ExpectedRevision {
	return &annals.ExpectedRevision{Expected: &annals.ExpectedRevision_Revision{Revision: revision}}
}

// reason is why the server refused a call, as proto/annals/v1/errors.proto lists it.
func reason(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.Domain == "annals" {
			return info.Reason
		}
	}
	return err.Error()
}
