//! Reflection: a client that has only the address can list, describe and call every RPC.

use std::process::Command;

use annals_client::ExpectedRevision as Expected;
use annals_tests::{
    Needed,
    harness::{
        Engine, Server, finish,
        raw::{self, METHODS, SERVICE},
        sample::event,
        within_patience,
    },
    on_every_engine, tests_that_need,
};
use bytes::Bytes;
use prost::Message;
use prost_types::FileDescriptorProto;
use tonic::Code;
use tonic_reflection::pb::{
    v1::{
        ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
        server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
    },
    v1alpha,
};

on_every_engine!(
    reflection_lists_and_describes_every_call,
    every_call_it_lists_can_be_called
);
tests_that_need!(grpcurl: grpcurl_lists_describes_and_calls_every_rpc);

async fn ask(server: &Server, message_request: MessageRequest) -> MessageResponse {
    let mut client = ServerReflectionClient::new(server.channel());
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(message_request),
    };
    let answers = client
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap();
    answers
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap()
        .message_response
        .unwrap()
}

async fn described(server: &Server, symbol: &str) -> Vec<FileDescriptorProto> {
    match ask(server, MessageRequest::FileContainingSymbol(symbol.to_owned())).await {
        MessageResponse::FileDescriptorResponse(files) => {
            let decode = |file: &Vec<u8>| FileDescriptorProto::decode(&file[..]).unwrap();
            files.file_descriptor_proto.iter().map(decode).collect()
        }
        other => panic!("{symbol}: {other:?}"),
    }
}

async fn reflection_lists_and_describes_every_call(server: Server) {
    let MessageResponse::ListServicesResponse(services) =
        ask(&server, MessageRequest::ListServices(String::new())).await
    else {
        panic!("services are listed");
    };
    let names: Vec<String> = services.service.into_iter().map(|service| service.name).collect();
    for wanted in [SERVICE, "grpc.health.v1.Health"] {
        assert!(
            names.iter().any(|name| name == wanted),
            "{wanted} is not in {names:?}"
        );
    }
    let files = described(&server, SERVICE).await;
    let service = files
        .iter()
        .flat_map(|file| &file.service)
        .find(|service| service.name() == "EventStoreService");
    let methods: Vec<&str> = service
        .unwrap()
        .method
        .iter()
        .map(|method| method.name())
        .collect();
    assert_eq!(methods, METHODS);
    for detail in [
        "google.rpc.ErrorInfo",
        "annals.v1.RevisionConflict",
        "annals.v1.ChecksFailed",
        "annals.v1.Query",
    ] {
        assert!(!described(&server, detail).await.is_empty(), "{detail}");
    }
    // The older version, which many tools still use.
    let mut old = v1alpha::server_reflection_client::ServerReflectionClient::new(server.channel());
    let request = v1alpha::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(v1alpha::server_reflection_request::MessageRequest::ListServices(
            String::new(),
        )),
    };
    let answers = old
        .server_reflection_info(tokio_stream::once(request))
        .await
        .unwrap();
    assert!(answers.into_inner().message().await.unwrap().is_some());
}

async fn every_call_it_lists_can_be_called(server: Server) {
    let channel = server.channel();
    let files = described(&server, SERVICE).await;
    let service = files
        .iter()
        .flat_map(|file| &file.service)
        .find(|service| service.name() == "EventStoreService");
    for method in &service.unwrap().method {
        // An empty request gets a response, or an error about a missing field; never an unknown method.
        let answered = within_patience(method.name(), async {
            raw::call(&channel, method.name(), Bytes::new())
                .await?
                .message()
                .await
                .map(drop)
        });
        match answered.await {
            Ok(()) => {}
            Err(status) => assert_eq!(
                status.code(),
                Code::InvalidArgument,
                "{}: {status}",
                method.name()
            ),
        }
    }
}

/// With the common tool: `go install github.com/fullstorydev/grpcurl/cmd/grpcurl@latest`.
async fn grpcurl_lists_describes_and_calls_every_rpc() {
    let program = Needed::Grpcurl.expect();
    let server = Server::start(Engine::Memory);
    server
        .client()
        .append("order-1", Expected::NoStream, [event("Placed")])
        .await
        .unwrap();
    let address = server.grpc_address().to_string();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.arg("-plaintext").args(arguments);
        finish(command, &[])
    };
    let listed = run(&[&address, "list"]).expect_code(0).stdout;
    assert!(listed.lines().any(|line| line == SERVICE), "{listed}");
    let listed = run(&[&address, "list", SERVICE]).expect_code(0).stdout;
    let methods: Vec<String> = METHODS
        .iter()
        .map(|method| format!("{SERVICE}.{method}"))
        .collect();
    for method in &methods {
        assert!(
            listed.lines().any(|line| line == method),
            "{method} is not in {listed}"
        );
        let _ = run(&[&address, "describe", method]).expect_code(0);
    }
    let described = run(&[&address, "describe", "annals.v1.AppendToStreamRequest"])
        .expect_code(0)
        .stdout;
    assert!(
        described.contains("repeated .annals.v1.NewEvent events = 3;"),
        "{described}"
    );

    let event = r#"{"type":"Paid","data":"e30="}"#;
    let append = format!(r#"{{"stream":"order-1","expected":{{"revision":0}},"events":[{event}]}}"#);
    let pipeline =
        format!(r#"{{"appends":[{{"append_to_stream":{{"stream":"order-2","events":[{event}]}}}}]}}"#);
    let many = format!(
        r#"{{"writes":[{{"stream":"order-3","events":[{event}]}},{{"stream":"order-1","events":[{event}]}}],
            "checks":[{{"stream":{{"stream":"order-1","expected":{{"revision":1}}}}}},
                      {{"no_match":{{"query":{{"items":[{{"tags":["x"]}}]}},"after":0}}}}]}}"#
    );
    let calls = [
        ("AppendToStream", append.as_str(), "\"lastPosition\": \"2\""),
        ("AppendToMany", &many, "\"lastPosition\": \"4\""),
        ("AppendPipeline", &pipeline, "\"lastPosition\": \"5\""),
        ("ReadStream", r#"{"stream":"order-1"}"#, "\"lastRevision\": \"2\""),
        (
            "ReadAll",
            r#"{"direction":"DIRECTION_BACKWARDS","limit":2}"#,
            "\"position\": \"5\"",
        ),
        ("GetStream", r#"{"stream":"order-2"}"#, "\"name\": \"order-2\""),
        ("ListStreams", r#"{"prefix":"order-"}"#, "\"name\": \"order-1\""),
        (
            "GetPositionAtTime",
            r#"{"time":"2100-01-01T00:00:00Z"}"#,
            "\"position\": \"5\"",
        ),
        (
            "SaveSnapshot",
            r#"{"stream":"order-1","revision":1,"data":"e30="}"#,
            "\"savedAt\"",
        ),
        ("LoadSnapshot", r#"{"stream":"order-1"}"#, "\"data\": \"e30=\""),
        ("GetServerInfo", "{}", "\"head\": \"5\""),
    ];
    for (method, message, expected) in calls {
        let called = run(&["-d", message, &address, &format!("{SERVICE}/{method}")]).expect_code(0);
        assert!(called.stdout.contains(expected), "{method}: {}", called.stdout);
    }
    // These continue until the timeout.
    for (method, message) in [
        ("SubscribeAll", "{}"),
        ("SubscribeStream", r#"{"stream":"order-1"}"#),
    ] {
        let called = run(&[
            "-max-time",
            "1",
            "-d",
            message,
            &address,
            &format!("{SERVICE}/{method}"),
        ]);
        assert!(called.stdout.contains("\"caughtUp\""), "{method}: {called:?}");
    }
    let refused = run(&["-d", &append, &address, &format!("{SERVICE}/AppendToStream")]);
    assert_ne!(refused.code, 0);
    for word in ["Aborted", "REVISION_CONFLICT", "annals.v1.RevisionConflict"] {
        assert!(refused.stderr.contains(word), "{word}: {}", refused.stderr);
    }
}
