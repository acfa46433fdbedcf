//! Implementations of the unary calls.

use annals_proto::v1 as pb;
use annals_store::{Append, Appended, Until};

use super::{EventStore, append_log::AppendLine};
use crate::grpc::{request, response, status::Refusal, wire::encoded};

impl EventStore {
    pub(super) async fn append_one(
        &self,
        request: &encoded::AppendToStreamRequest,
    ) -> Result<pb::AppendToStreamResponse, Refusal> {
        let append = request::append_to_stream(request, self.store.limits())?;
        Ok(response::appended(&self.written(append).await?))
    }

    pub(super) async fn append_many(
        &self,
        request: encoded::AppendToManyRequest,
    ) -> Result<pb::AppendToManyResponse, Refusal> {
        let append = request::append_to_many(request, self.store.limits())?;
        let streams: Vec<_> = append.streams().cloned().collect();
        let appended = self.written(append).await?;
        Ok(response::appended_to_many(&appended, &streams))
    }

    async fn written(&self, append: Append) -> annals_store::Result<Appended> {
        let line = AppendLine::of(&append);
        let result = self.store.append(append).await;
        if let Some(line) = line {
            line.write(&result);
        }
        result
    }

    pub(super) async fn streams(
        &self,
        request: pb::ListStreamsRequest,
    ) -> Result<pb::ListStreamsResponse, Refusal> {
        let page = request::list_streams(request)?;
        // Requests one stream more than the page size, to learn whether there is another page.
        let mut found = self
            .store
            .streams(&page.prefix, page.after.as_ref(), page.limit + 1)
            .await?;
        let more = found.len() > page.limit;
        found.truncate(page.limit);
        let last = found.last().filter(|_| more);
        Ok(pb::ListStreamsResponse {
            next_page_token: last.map_or_else(String::new, |info| info.name.to_string()),
            streams: found.iter().map(response::stream).collect(),
        })
    }

    pub(super) async fn stream(
        &self,
        request: &pb::GetStreamRequest,
    ) -> Result<pb::GetStreamResponse, Refusal> {
        let info = self.store.stream(&request::stream_name(request)?).await?;
        Ok(pb::GetStreamResponse {
            stream: Some(response::stream(&info)),
        })
    }

    pub(super) async fn position_at(
        &self,
        request: &pb::GetPositionAtTimeRequest,
    ) -> Result<pb::GetPositionAtTimeResponse, Refusal> {
        let position = match request::position_at_time(request)? {
            Until::Time(time) => self.store.position_at(time).await?,
            Until::Position(position) => position,
        };
        Ok(pb::GetPositionAtTimeResponse { position: position.0 })
    }

    pub(super) async fn save(
        &self,
        request: pb::SaveSnapshotRequest,
    ) -> Result<pb::SaveSnapshotResponse, Refusal> {
        let save = request::save_snapshot(request, self.store.limits())?;
        let saved_at = self.store.save_snapshot(save).await?;
        Ok(pb::SaveSnapshotResponse {
            saved_at: Some(response::timestamp(saved_at)),
        })
    }

    pub(super) async fn load(
        &self,
        request: &pb::LoadSnapshotRequest,
    ) -> Result<pb::LoadSnapshotResponse, Refusal> {
        let loaded = self.store.load_snapshot(request::load_snapshot(request)?).await?;
        Ok(pb::LoadSnapshotResponse {
            snapshot: Some(response::snapshot(loaded)),
        })
    }

    pub(super) async fn retention(
        &self,
        request: &pb::GetRetentionRequest,
    ) -> Result<pb::GetRetentionResponse, Refusal> {
        let kept = self.store.retention(&request::retention_of(request)?).await?;
        Ok(pb::GetRetentionResponse {
            retention: Some(response::retention(&kept.retention)),
            version: kept.version,
            tombstoned: kept.tombstoned,
            retention_prefix: kept.from_prefix.map_or_else(String::new, |(prefix, _)| prefix),
        })
    }

    pub(super) async fn set(
        &self,
        request: &pb::SetRetentionRequest,
    ) -> Result<pb::SetRetentionResponse, Refusal> {
        let set = request::set_retention(request)?;
        let kept = self
            .store
            .set_retention(&set.stream, set.retention, set.expected_version)
            .await?;
        Ok(pb::SetRetentionResponse {
            retention: Some(response::retention(&kept.retention)),
            version: kept.version,
        })
    }

    pub(super) async fn set_prefix(
        &self,
        request: &pb::SetPrefixRetentionRequest,
    ) -> Result<pb::SetPrefixRetentionResponse, Refusal> {
        let set = request::set_prefix_retention(request)?;
        let kept = self
            .store
            .set_prefix_retention(&set.prefix, set.retention, set.expected_version)
            .await?;
        Ok(pb::SetPrefixRetentionResponse {
            retention: Some(response::prefix_retention(&kept)),
        })
    }

    pub(super) async fn prefix_retention(
        &self,
        request: &pb::GetPrefixRetentionRequest,
    ) -> Result<pb::GetPrefixRetentionResponse, Refusal> {
        let prefix = request::prefix_retention_of(request)?;
        let kept = self.store.prefix_retention(&prefix).await?;
        Ok(pb::GetPrefixRetentionResponse {
            retention: Some(response::prefix_retention(&kept)),
        })
    }

    pub(super) async fn prefix_retentions(
        &self,
        request: &pb::ListPrefixRetentionsRequest,
    ) -> Result<pb::ListPrefixRetentionsResponse, Refusal> {
        let (after, page_size) = request::list_prefix_retentions(request)?;
        let kept = self.store.prefix_retentions(after.as_ref(), page_size).await?;
        let last = kept.last().filter(|_| kept.len() == page_size);
        Ok(pb::ListPrefixRetentionsResponse {
            next_page_token: last.map_or_else(String::new, |last| last.prefix.to_string()),
            retentions: kept.iter().map(response::prefix_retention).collect(),
        })
    }

    pub(super) async fn delete(
        &self,
        request: pb::DeleteStreamRequest,
    ) -> Result<pb::DeleteStreamResponse, Refusal> {
        let (stream, expected) = request::delete(request)?;
        let deleted = self.store.delete_stream(&stream, expected).await?;
        Ok(pb::DeleteStreamResponse {
            last_revision: deleted.last_revision.0,
            position: deleted.position.0,
            already_deleted: deleted.already_deleted,
        })
    }

    pub(super) async fn tombstone(
        &self,
        request: pb::TombstoneStreamRequest,
    ) -> Result<pb::TombstoneStreamResponse, Refusal> {
        let (stream, expected) = request::tombstone(request)?;
        let tombstoned = self.store.tombstone_stream(&stream, expected).await?;
        Ok(pb::TombstoneStreamResponse {
            position: tombstoned.position.0,
            already_tombstoned: tombstoned.already_tombstoned,
        })
    }

    pub(super) async fn start(&self) -> Result<pb::StartScavengeResponse, Refusal> {
        let scavenge = self.store.start_scavenge().await?;
        Ok(pb::StartScavengeResponse {
            scavenge: Some(response::scavenge(&scavenge)),
        })
    }

    pub(super) async fn stop(&self) -> Result<pb::StopScavengeResponse, Refusal> {
        let scavenge = self.store.stop_scavenge().await?;
        Ok(pb::StopScavengeResponse {
            scavenge: scavenge.as_ref().map(response::scavenge),
        })
    }

    pub(super) async fn scavenge(&self) -> Result<pb::GetScavengeResponse, Refusal> {
        let scavenge = self.store.scavenge().await?;
        Ok(pb::GetScavengeResponse {
            scavenge: scavenge.as_ref().map(response::scavenge),
        })
    }

    pub(super) fn server_info(&self) -> pb::GetServerInfoResponse {
        let info = self.store.info();
        pb::GetServerInfoResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            engine: self.engine.to_owned(),
            store_id: info.id.to_string(),
            head: info.head.0,
            indexed: info.indexed.0,
            started_at: Some(self.started_at.into()),
            limits: Some(response::limits(self.store.limits())),
        }
    }
}
