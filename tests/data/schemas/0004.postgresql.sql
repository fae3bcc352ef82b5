CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE admins (
	user_id BIGINT NOT NULL, 
	claimed_at BIGINT NOT NULL, 
	CONSTRAINT pk_admins PRIMARY KEY (user_id)
);
CREATE TABLE chats (
	bot_id BIGINT NOT NULL, 
	chat_id BIGINT NOT NULL, 
	language TEXT, 
	options JSON DEFAULT '{}' NOT NULL, 
	next_digest_at BIGINT, 
	last_seen_id BIGINT, 
	CONSTRAINT pk_chats PRIMARY KEY (bot_id, chat_id)
);
CREATE INDEX ix_chats_next_digest_at ON chats (bot_id, next_digest_at);
CREATE TABLE copies (
	id BIGSERIAL NOT NULL, 
	bot_id BIGINT NOT NULL, 
	place BIGINT NOT NULL, 
	chat_id BIGINT NOT NULL, 
	message_id BIGINT NOT NULL, 
	copy_id BIGINT, 
	planned_at BIGINT NOT NULL, 
	owner TEXT NOT NULL, 
	CONSTRAINT pk_copies PRIMARY KEY (id)
);
CREATE TABLE feeds (
	id BIGSERIAL NOT NULL, 
	kind TEXT NOT NULL, 
	url TEXT NOT NULL, 
	host TEXT NOT NULL, 
	title TEXT, 
	home TEXT, 
	language TEXT, 
	etag BYTEA, 
	last_modified BYTEA, 
	digest BYTEA, 
	validators_url TEXT, 
	items BYTEA, 
	baseline_at BIGINT, 
	last_shown BYTEA, 
	guid_unreliable BOOLEAN DEFAULT '0' NOT NULL, 
	resumed BOOLEAN DEFAULT '0' NOT NULL, 
	next_check_at BIGINT NOT NULL, 
	next_check_why TEXT DEFAULT '' NOT NULL, 
	attempted_at BIGINT, 
	succeeded_at BIGINT, 
	error TEXT, 
	health TEXT DEFAULT 'ok' NOT NULL, 
	health_since BIGINT, 
	failures INTEGER DEFAULT '0' NOT NULL, 
	parse_failures INTEGER DEFAULT '0' NOT NULL, 
	failing_since BIGINT, 
	gone_since BIGINT, 
	gone BOOLEAN DEFAULT '0' NOT NULL, 
	moved_to TEXT, 
	announced_url TEXT, 
	redirect_to TEXT, 
	redirect_since BIGINT, 
	redirect_times INTEGER DEFAULT '0' NOT NULL, 
	newest_at BIGINT, 
	gap_seconds INTEGER, 
	merged_into BIGINT, 
	lease_until BIGINT, 
	lease_owner TEXT, 
	lease_no BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_feeds PRIMARY KEY (id), 
	CONSTRAINT uq_feeds_kind_url UNIQUE (kind, url)
);
CREATE INDEX ix_feeds_next_check_at ON feeds (next_check_at);
CREATE TABLE files (
	bot_id BIGINT NOT NULL, 
	address BYTEA NOT NULL, 
	file_id TEXT NOT NULL, 
	kept_at BIGINT NOT NULL, 
	CONSTRAINT pk_files PRIMARY KEY (bot_id, address)
);
CREATE INDEX ix_files_kept_at ON files (kept_at);
CREATE TABLE hosts (
	name TEXT NOT NULL, 
	next_at BIGINT NOT NULL, 
	CONSTRAINT pk_hosts PRIMARY KEY (name)
);
CREATE TABLE lanes (
	bot_id BIGINT NOT NULL, 
	chat_id BIGINT NOT NULL, 
	next_at BIGINT, 
	paused TEXT, 
	lease_until BIGINT, 
	lease_owner TEXT, 
	lease_no BIGINT DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_lanes PRIMARY KEY (bot_id, chat_id)
);
CREATE INDEX ix_lanes_bot_id_next_at ON lanes (bot_id, next_at);
CREATE TABLE loops (
	name TEXT NOT NULL, 
	succeeded_at BIGINT NOT NULL, 
	late_at BIGINT NOT NULL, 
	CONSTRAINT pk_loops PRIMARY KEY (name)
);
CREATE TABLE notices (
	id BIGSERIAL NOT NULL, 
	at BIGINT NOT NULL, 
	text TEXT NOT NULL, 
	CONSTRAINT pk_notices PRIMARY KEY (id)
);
CREATE TABLE taken_updates (
	bot_id BIGINT NOT NULL, 
	update_id BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	membership_of BIGINT, 
	CONSTRAINT pk_taken_updates PRIMARY KEY (bot_id, update_id)
);
CREATE INDEX ix_taken_updates_at ON taken_updates (at);
CREATE INDEX ix_taken_updates_membership_of ON taken_updates (membership_of);
CREATE TABLE targets (
	id BIGSERIAL NOT NULL, 
	bot_id BIGINT NOT NULL, 
	chat TEXT NOT NULL, 
	thread INTEGER NOT NULL, 
	channel TEXT NOT NULL, 
	chat_id BIGINT, 
	error TEXT, 
	CONSTRAINT pk_targets PRIMARY KEY (id), 
	CONSTRAINT uq_targets_bot_id_chat_thread UNIQUE (bot_id, chat, thread)
);
CREATE INDEX ix_targets_bot_id_chat_id ON targets (bot_id, chat_id);
CREATE TABLE digests (
	id BIGSERIAL NOT NULL, 
	target_id BIGINT NOT NULL, 
	plan TEXT NOT NULL, 
	slot_at BIGINT NOT NULL, 
	end_at BIGINT NOT NULL, 
	posts INTEGER NOT NULL, 
	CONSTRAINT pk_digests PRIMARY KEY (id), 
	CONSTRAINT fk_digests_target_id FOREIGN KEY(target_id) REFERENCES targets (id), 
	CONSTRAINT uq_digests_target_id_plan_slot_at UNIQUE (target_id, plan, slot_at)
);
CREATE TABLE feed_names (
	name TEXT NOT NULL, 
	feed_id BIGINT NOT NULL, 
	active BOOLEAN NOT NULL, 
	CONSTRAINT pk_feed_names PRIMARY KEY (name), 
	CONSTRAINT fk_feed_names_feed_id FOREIGN KEY(feed_id) REFERENCES feeds (id)
);
CREATE INDEX ix_feed_names_feed_id ON feed_names (feed_id);
CREATE TABLE posts (
	id BIGSERIAL NOT NULL, 
	feed_id BIGINT NOT NULL, 
	ident TEXT NOT NULL, 
	title TEXT, 
	link TEXT, 
	published_at BIGINT, 
	updated_at BIGINT, 
	date_only BOOLEAN NOT NULL, 
	author TEXT, 
	language TEXT, 
	tags JSON NOT NULL, 
	summary TEXT, 
	content TEXT, 
	article TEXT, 
	enclosures JSON NOT NULL, 
	flags JSON NOT NULL, 
	body BYTEA NOT NULL, 
	version INTEGER DEFAULT '1' NOT NULL, 
	edit_count INTEGER DEFAULT '0' NOT NULL, 
	last_edit_at BIGINT, 
	first_seen_at BIGINT NOT NULL, 
	effective_at BIGINT NOT NULL, 
	is_old BOOLEAN NOT NULL, 
	held TEXT, 
	CONSTRAINT pk_posts PRIMARY KEY (id), 
	CONSTRAINT fk_posts_feed_id FOREIGN KEY(feed_id) REFERENCES feeds (id), 
	CONSTRAINT uq_posts_feed_id_ident UNIQUE (feed_id, ident)
);
CREATE INDEX ix_posts_effective_at ON posts (effective_at, feed_id);
CREATE INDEX ix_posts_feed_id_effective_at ON posts (feed_id, effective_at);
CREATE INDEX ix_posts_held ON posts (id) WHERE held IS NOT NULL;
CREATE TABLE subscriptions (
	id BIGSERIAL NOT NULL, 
	bot_id BIGINT NOT NULL, 
	own BOOLEAN DEFAULT '0' NOT NULL, 
	feed_id BIGINT, 
	tag TEXT, 
	target_id BIGINT NOT NULL, 
	feed_name TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	active BOOLEAN NOT NULL, 
	paused BOOLEAN DEFAULT '0' NOT NULL, 
	muted_until BIGINT, 
	CONSTRAINT pk_subscriptions PRIMARY KEY (id), 
	CONSTRAINT fk_subscriptions_feed_id FOREIGN KEY(feed_id) REFERENCES feeds (id), 
	CONSTRAINT fk_subscriptions_target_id FOREIGN KEY(target_id) REFERENCES targets (id), 
	CONSTRAINT uq_subscriptions_bot_id_target_id_own_feed_name UNIQUE (bot_id, target_id, own, feed_name)
);
CREATE INDEX ix_subscriptions_feed_id ON subscriptions (feed_id);
CREATE INDEX ix_subscriptions_tag ON subscriptions (tag);
CREATE TABLE deliveries (
	id BIGSERIAL NOT NULL, 
	bot_id BIGINT NOT NULL, 
	target_id BIGINT NOT NULL, 
	post_id BIGINT, 
	kind TEXT NOT NULL, 
	digest_id BIGINT, 
	subscription_id BIGINT NOT NULL, 
	turn SMALLINT NOT NULL, 
	state TEXT NOT NULL, 
	due_at BIGINT NOT NULL, 
	approved_at BIGINT, 
	wait TEXT, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	first_attempt_at BIGINT, 
	attempt_at BIGINT, 
	parts JSON NOT NULL, 
	message_ids JSON NOT NULL, 
	error TEXT, 
	created_at BIGINT NOT NULL, 
	sent_at BIGINT, 
	CONSTRAINT pk_deliveries PRIMARY KEY (id), 
	CONSTRAINT ck_deliveries_state CHECK (state IN ('pending', 'sending', 'sent', 'uncertain', 'held', 'dead', 'dropped')), 
	CONSTRAINT fk_deliveries_digest_id FOREIGN KEY(digest_id) REFERENCES digests (id), 
	CONSTRAINT fk_deliveries_post_id FOREIGN KEY(post_id) REFERENCES posts (id), 
	CONSTRAINT fk_deliveries_subscription_id FOREIGN KEY(subscription_id) REFERENCES subscriptions (id), 
	CONSTRAINT fk_deliveries_target_id FOREIGN KEY(target_id) REFERENCES targets (id), 
	CONSTRAINT uq_deliveries_bot_id_target_id_post_id_kind UNIQUE (bot_id, target_id, post_id, kind)
);
CREATE INDEX ix_deliveries_digest_id ON deliveries (digest_id);
CREATE INDEX ix_deliveries_post_id ON deliveries (post_id);
CREATE INDEX ix_deliveries_target_id_sent_at ON deliveries (target_id, sent_at);
CREATE INDEX ix_deliveries_target_id_state_turn_id ON deliveries (target_id, state, turn, id);
CREATE TABLE post_keys (
	feed_id BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	hash BYTEA NOT NULL, 
	post_id BIGINT NOT NULL, 
	last_seen_at BIGINT NOT NULL, 
	CONSTRAINT pk_post_keys PRIMARY KEY (feed_id, kind, hash), 
	CONSTRAINT fk_post_keys_feed_id FOREIGN KEY(feed_id) REFERENCES feeds (id), 
	CONSTRAINT fk_post_keys_post_id FOREIGN KEY(post_id) REFERENCES posts (id)
);
CREATE INDEX ix_post_keys_link ON post_keys (hash) WHERE kind = 'L';
CREATE INDEX ix_post_keys_post_id ON post_keys (post_id);
CREATE TABLE replays (
	subscription_id BIGINT NOT NULL, 
	slot_at BIGINT NOT NULL, 
	post_id BIGINT, 
	CONSTRAINT pk_replays PRIMARY KEY (subscription_id, slot_at), 
	CONSTRAINT fk_replays_post_id FOREIGN KEY(post_id) REFERENCES posts (id), 
	CONSTRAINT fk_replays_subscription_id FOREIGN KEY(subscription_id) REFERENCES subscriptions (id)
);
CREATE TABLE search_places (
	post_id BIGINT NOT NULL, 
	place BIGINT NOT NULL, 
	CONSTRAINT pk_search_places PRIMARY KEY (post_id), 
	CONSTRAINT fk_search_places_post_id FOREIGN KEY(post_id) REFERENCES posts (id), 
	CONSTRAINT uq_search_places_place UNIQUE (place)
);
CREATE TABLE shingles (
	shingle BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	post_id BIGINT NOT NULL, 
	CONSTRAINT pk_shingles PRIMARY KEY (shingle, at, post_id), 
	CONSTRAINT fk_shingles_post_id FOREIGN KEY(post_id) REFERENCES posts (id)
);
CREATE TABLE unindexed (
	post_id BIGINT NOT NULL, 
	CONSTRAINT pk_unindexed PRIMARY KEY (post_id), 
	CONSTRAINT fk_unindexed_post_id FOREIGN KEY(post_id) REFERENCES posts (id)
);
CREATE TABLE verdicts (
	post_id BIGINT NOT NULL, 
	target_id BIGINT NOT NULL, 
	verdict TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	CONSTRAINT pk_verdicts PRIMARY KEY (post_id, target_id), 
	CONSTRAINT fk_verdicts_post_id FOREIGN KEY(post_id) REFERENCES posts (id), 
	CONSTRAINT fk_verdicts_target_id FOREIGN KEY(target_id) REFERENCES targets (id)
);
CREATE TABLE approvals (
	delivery_id BIGINT NOT NULL, 
	token TEXT NOT NULL, 
	held_at BIGINT NOT NULL, 
	asked_at BIGINT, 
	expires_at BIGINT, 
	chat_id BIGINT, 
	message_id BIGINT, 
	decision TEXT, 
	decided_at BIGINT, 
	decided_by BIGINT, 
	decided_name TEXT, 
	CONSTRAINT pk_approvals PRIMARY KEY (delivery_id), 
	CONSTRAINT fk_approvals_delivery_id FOREIGN KEY(delivery_id) REFERENCES deliveries (id), 
	CONSTRAINT uq_approvals_token UNIQUE (token)
);
CREATE INDEX ix_approvals_decision ON approvals (decision);
CREATE TABLE edits (
	delivery_id BIGINT NOT NULL, 
	due_at BIGINT, 
	asked INTEGER DEFAULT '1' NOT NULL, 
	attempts INTEGER DEFAULT '0' NOT NULL, 
	edited_at BIGINT, 
	error TEXT, 
	CONSTRAINT pk_edits PRIMARY KEY (delivery_id), 
	CONSTRAINT fk_edits_delivery_id FOREIGN KEY(delivery_id) REFERENCES deliveries (id) ON DELETE CASCADE
);
CREATE INDEX ix_edits_due_at ON edits (due_at);
CREATE INDEX ix_edits_edited_at ON edits (edited_at);
CREATE TABLE mentions (
	delivery_id BIGINT NOT NULL, 
	post_id BIGINT NOT NULL, 
	CONSTRAINT pk_mentions PRIMARY KEY (delivery_id, post_id), 
	CONSTRAINT fk_mentions_delivery_id FOREIGN KEY(delivery_id) REFERENCES deliveries (id) ON DELETE CASCADE, 
	CONSTRAINT fk_mentions_post_id FOREIGN KEY(post_id) REFERENCES posts (id)
);
CREATE TABLE post_words (place bigint NOT NULL CONSTRAINT pk_post_words PRIMARY KEY, words tsvector NOT NULL) WITH (toast_tuple_target = 128);
CREATE INDEX ix_post_words_words ON post_words USING gin (words);
ALTER TABLE deliveries ADD COLUMN title TEXT;
ALTER TABLE approvals ADD COLUMN prompt_id BIGINT;
ALTER TABLE approvals ADD COLUMN titled_at BIGINT;
ALTER TABLE approvals ADD COLUMN titled_by BIGINT;
ALTER TABLE approvals ADD COLUMN titled_name TEXT;
CREATE TABLE pauses (
	bot_id BIGINT NOT NULL, 
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	since BIGINT NOT NULL, 
	until BIGINT, 
	CONSTRAINT pk_pauses PRIMARY KEY (bot_id, kind, name)
);
CREATE TABLE doubles (
	delivery_id BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	CONSTRAINT pk_doubles PRIMARY KEY (delivery_id), 
	CONSTRAINT fk_doubles_delivery_id FOREIGN KEY(delivery_id) REFERENCES deliveries (id) ON DELETE CASCADE
);
CREATE INDEX ix_doubles_at ON doubles (at);
CREATE TABLE concerns (
	bot_id BIGINT NOT NULL, 
	key TEXT NOT NULL, 
	told_at BIGINT, 
	seen_at BIGINT, 
	CONSTRAINT pk_concerns PRIMARY KEY (bot_id, key)
);
CREATE TABLE admin_cards (
	bot_id BIGINT NOT NULL, 
	chat_id BIGINT NOT NULL, 
	message_id BIGINT NOT NULL, 
	token TEXT NOT NULL, 
	sent_at BIGINT NOT NULL, 
	keys JSON NOT NULL, 
	shown BYTEA NOT NULL, 
	CONSTRAINT pk_admin_cards PRIMARY KEY (bot_id)
);
INSERT INTO admin_cards ("bot_id", "chat_id", "message_id", "token", "sent_at", "keys", "shown") VALUES ('-1001234567890', '-1001234567890', '-1001234567890', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', '[]', E'\\x00ff0000ff0000ff0000ff0000ff0000ff0000ff00');
INSERT INTO admin_cards ("bot_id", "chat_id", "message_id", "token", "sent_at", "keys", "shown") VALUES ('-1001234567891', '-1001234567891', '-1001234567891', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', '8', E'[{"text": "\\u0645\\u0627\\u0647\\u200c\\u0647\\u0627 \\ud83c\\udf19 \\"quoted\\" it''s \\\\ line\\nend", "offset": 1, "none": null, "b": 1, "a": [true]}]', E'\\x00ff0100ff0100ff0100ff0100ff0100ff0100ff01');
INSERT INTO admins ("user_id", "claimed_at") VALUES ('-1001234567890', '1728000000001');
INSERT INTO admins ("user_id", "claimed_at") VALUES ('-1001234567891', '8');
INSERT INTO chats ("bot_id", "chat_id", "language", "options", "next_digest_at", "last_seen_id") VALUES ('-1001234567890', '-1001234567890', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '[]', '1728000000001', '-1001234567890');
INSERT INTO chats ("bot_id", "chat_id", "language", "options", "next_digest_at", "last_seen_id") VALUES ('-1001234567891', '-1001234567891', NULL, E'[{"text": "\\u0645\\u0627\\u0647\\u200c\\u0647\\u0627 \\ud83c\\udf19 \\"quoted\\" it''s \\\\ line\\nend", "offset": 1, "none": null, "b": 1, "a": [true]}]', NULL, NULL);
INSERT INTO concerns ("bot_id", "key", "told_at", "seen_at") VALUES ('-1001234567890', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', '1728000000001');
INSERT INTO concerns ("bot_id", "key", "told_at", "seen_at") VALUES ('-1001234567891', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', NULL, NULL);
INSERT INTO copies ("id", "bot_id", "place", "chat_id", "message_id", "copy_id", "planned_at", "owner") VALUES ('1', '-1001234567890', '-1001234567890', '-1001234567890', '-1001234567890', '-1001234567890', '1728000000001', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0');
INSERT INTO copies ("id", "bot_id", "place", "chat_id", "message_id", "copy_id", "planned_at", "owner") VALUES ('2', '-1001234567891', '-1001234567891', '-1001234567891', '-1001234567891', NULL, '8', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1');
INSERT INTO feeds ("id", "kind", "url", "host", "title", "home", "language", "etag", "last_modified", "digest", "validators_url", "items", "baseline_at", "last_shown", "guid_unreliable", "resumed", "next_check_at", "next_check_why", "attempted_at", "succeeded_at", "error", "health", "health_since", "failures", "parse_failures", "failing_since", "gone_since", "gone", "moved_to", "announced_url", "redirect_to", "redirect_since", "redirect_times", "newest_at", "gap_seconds", "merged_into", "lease_until", "lease_owner", "lease_no") VALUES ('1', 'http', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'\\x00ff0000ff0000ff0000ff0000ff0000ff0000ff00', E'\\x00ff0000ff0000ff0000ff0000ff0000ff0000ff00', E'\\x00ff0000ff0000ff0000ff0000ff0000ff0000ff00', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'\\x00ff0000ff0000ff0000ff0000ff0000ff0000ff00', '1728000000001', E'\\x00ff0000ff0000ff0000ff0000ff0000ff0000ff00', 'true', 'true', '1728000000001', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', '1728000000001', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', '0', '0', '1728000000001', '1728000000001', 'true', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', '0', '1728000000001', '0', '-1001234567890', '1728000000001', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '-1001234567890');
INSERT INTO feeds ("id", "kind", "url", "host", "title", "home", "language", "etag", "last_modified", "digest", "validators_url", "items", "baseline_at", "last_shown", "guid_unreliable", "resumed", "next_check_at", "next_check_why", "attempted_at", "succeeded_at", "error", "health", "health_since", "failures", "parse_failures", "failing_since", "gone_since", "gone", "moved_to", "announced_url", "redirect_to", "redirect_since", "redirect_times", "newest_at", "gap_seconds", "merged_into", "lease_until", "lease_owner", "lease_no") VALUES ('2', 'http', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'false', 'false', '8', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', NULL, NULL, NULL, E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', NULL, '1', '1', NULL, NULL, 'false', NULL, NULL, NULL, NULL, '1', NULL, NULL, NULL, NULL, NULL, '-1001234567891');
INSERT INTO files ("bot_id", "address", "file_id", "kept_at") VALUES ('-1001234567890', E'\\x00ff0000ff0000ff0000ff0000ff0000ff0000ff00', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001');
INSERT INTO files ("bot_id", "address", "file_id", "kept_at") VALUES ('-1001234567891', E'\\x00ff0100ff0100ff0100ff0100ff0100ff0100ff01', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', '8');
INSERT INTO hosts ("name", "next_at") VALUES (E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001');
INSERT INTO hosts ("name", "next_at") VALUES (E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', '8');
INSERT INTO lanes ("bot_id", "chat_id", "next_at", "paused", "lease_until", "lease_owner", "lease_no") VALUES ('-1001234567890', '-1001234567890', '1728000000001', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '-1001234567890');
INSERT INTO lanes ("bot_id", "chat_id", "next_at", "paused", "lease_until", "lease_owner", "lease_no") VALUES ('-1001234567891', '-1001234567891', NULL, NULL, NULL, NULL, '-1001234567891');
INSERT INTO loops ("name", "succeeded_at", "late_at") VALUES (E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', '1728000000001');
INSERT INTO loops ("name", "succeeded_at", "late_at") VALUES (E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', '8', '8');
INSERT INTO notices ("id", "at", "text") VALUES ('1', '1728000000001', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0');
INSERT INTO notices ("id", "at", "text") VALUES ('2', '8', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1');
INSERT INTO pauses ("bot_id", "kind", "name", "since", "until") VALUES ('-1001234567890', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', '1728000000001');
INSERT INTO pauses ("bot_id", "kind", "name", "since", "until") VALUES ('-1001234567891', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', '8', NULL);
INSERT INTO taken_updates ("bot_id", "update_id", "at", "membership_of") VALUES ('-1001234567890', '-1001234567890', '1728000000001', '-1001234567890');
INSERT INTO taken_updates ("bot_id", "update_id", "at", "membership_of") VALUES ('-1001234567891', '-1001234567891', '8', NULL);
INSERT INTO targets ("id", "bot_id", "chat", "thread", "channel", "chat_id", "error") VALUES ('1', '-1001234567890', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '-1001234567890', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0');
INSERT INTO targets ("id", "bot_id", "chat", "thread", "channel", "chat_id", "error") VALUES ('2', '-1001234567891', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', '1', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', NULL, NULL);
INSERT INTO digests ("id", "target_id", "plan", "slot_at", "end_at", "posts") VALUES ('1', '1', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', '1728000000001', '0');
INSERT INTO digests ("id", "target_id", "plan", "slot_at", "end_at", "posts") VALUES ('2', '2', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', '8', '8', '1');
INSERT INTO feed_names ("name", "feed_id", "active") VALUES (E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1', 'true');
INSERT INTO feed_names ("name", "feed_id", "active") VALUES (E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', '2', 'false');
INSERT INTO posts ("id", "feed_id", "ident", "title", "link", "published_at", "updated_at", "date_only", "author", "language", "tags", "summary", "content", "article", "enclosures", "flags", "body", "version", "edit_count", "last_edit_at", "first_seen_at", "effective_at", "is_old", "held") VALUES ('1', '1', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', '1728000000001', 'true', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'["\\u0645\\u0627\\u0647", "moon"]', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '[{"url": "https://sky.example/1.jpg", "type": "image/jpeg", "size": 10}]', '["no_zone"]', E'\\x00ff0000ff0000ff0000ff0000ff0000ff0000ff00', '0', '0', '1728000000001', '1728000000001', '1728000000001', 'true', NULL);
INSERT INTO posts ("id", "feed_id", "ident", "title", "link", "published_at", "updated_at", "date_only", "author", "language", "tags", "summary", "content", "article", "enclosures", "flags", "body", "version", "edit_count", "last_edit_at", "first_seen_at", "effective_at", "is_old", "held") VALUES ('2', '2', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', NULL, NULL, NULL, NULL, 'false', NULL, NULL, E'["\\u0645\\u0627\\u0647", "moon"]', NULL, NULL, NULL, '[{"url": "https://sky.example/1.jpg", "type": "image/jpeg", "size": 10}]', '["no_zone"]', E'\\x00ff0100ff0100ff0100ff0100ff0100ff0100ff01', '1', '1', NULL, '8', '8', 'false', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1');
INSERT INTO subscriptions ("id", "bot_id", "own", "feed_id", "tag", "target_id", "feed_name", "created_at", "active", "paused", "muted_until") VALUES ('1', '-1001234567890', 'true', '1', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', 'true', 'true', '1728000000001');
INSERT INTO subscriptions ("id", "bot_id", "own", "feed_id", "tag", "target_id", "feed_name", "created_at", "active", "paused", "muted_until") VALUES ('2', '-1001234567891', 'false', NULL, NULL, '2', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', '8', 'false', 'false', NULL);
INSERT INTO deliveries ("id", "bot_id", "target_id", "post_id", "kind", "digest_id", "subscription_id", "turn", "state", "due_at", "approved_at", "wait", "attempts", "first_attempt_at", "attempt_at", "parts", "message_ids", "error", "created_at", "sent_at", "title") VALUES ('1', '-1001234567890', '1', '1', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1', '1', '0', 'pending', '1728000000001', '1728000000001', 'quiet', '0', '1728000000001', '1728000000001', '[]', '[]', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', '1728000000001', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0');
INSERT INTO deliveries ("id", "bot_id", "target_id", "post_id", "kind", "digest_id", "subscription_id", "turn", "state", "due_at", "approved_at", "wait", "attempts", "first_attempt_at", "attempt_at", "parts", "message_ids", "error", "created_at", "sent_at", "title") VALUES ('2', '-1001234567891', '2', NULL, E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', NULL, '2', '1', 'sending', '8', NULL, NULL, '1', NULL, NULL, E'[{"text": "\\u0645\\u0627\\u0647\\u200c\\u0647\\u0627 \\ud83c\\udf19 \\"quoted\\" it''s \\\\ line\\nend", "offset": 1, "none": null, "b": 1, "a": [true]}]', E'[{"text": "\\u0645\\u0627\\u0647\\u200c\\u0647\\u0627 \\ud83c\\udf19 \\"quoted\\" it''s \\\\ line\\nend", "offset": 1, "none": null, "b": 1, "a": [true]}]', NULL, '8', NULL, NULL);
INSERT INTO post_keys ("feed_id", "kind", "hash", "post_id", "last_seen_at") VALUES ('1', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'\\x00ff0000ff0000ff0000ff0000ff0000ff0000ff00', '1', '1728000000001');
INSERT INTO post_keys ("feed_id", "kind", "hash", "post_id", "last_seen_at") VALUES ('2', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', E'\\x00ff0100ff0100ff0100ff0100ff0100ff0100ff01', '2', '8');
INSERT INTO replays ("subscription_id", "slot_at", "post_id") VALUES ('1', '1728000000001', '1');
INSERT INTO replays ("subscription_id", "slot_at", "post_id") VALUES ('2', '8', NULL);
INSERT INTO shingles ("shingle", "at", "post_id") VALUES ('-1001234567890', '1728000000001', '1');
INSERT INTO shingles ("shingle", "at", "post_id") VALUES ('-1001234567891', '8', '2');
INSERT INTO verdicts ("post_id", "target_id", "verdict", "reason") VALUES ('1', '1', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0');
INSERT INTO verdicts ("post_id", "target_id", "verdict", "reason") VALUES ('2', '2', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1');
INSERT INTO approvals ("delivery_id", "token", "held_at", "asked_at", "expires_at", "chat_id", "message_id", "decision", "decided_at", "decided_by", "decided_name", "prompt_id", "titled_at", "titled_by", "titled_name") VALUES ('1', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', '1728000000001', '1728000000001', '-1001234567890', '-1001234567890', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '1728000000001', '-1001234567890', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0', '-1001234567890', '1728000000001', '-1001234567890', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0');
INSERT INTO approvals ("delivery_id", "token", "held_at", "asked_at", "expires_at", "chat_id", "message_id", "decision", "decided_at", "decided_by", "decided_name", "prompt_id", "titled_at", "titled_by", "titled_name") VALUES ('2', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 1', '8', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO doubles ("delivery_id", "at") VALUES ('1', '1728000000001');
INSERT INTO doubles ("delivery_id", "at") VALUES ('2', '8');
INSERT INTO edits ("delivery_id", "due_at", "asked", "attempts", "edited_at", "error") VALUES ('1', '1728000000001', '0', '0', '1728000000001', E'ماه‌ها 🌙 "quoted" it''s \\ line
end 0');
INSERT INTO edits ("delivery_id", "due_at", "asked", "attempts", "edited_at", "error") VALUES ('2', NULL, '1', '1', NULL, NULL);
INSERT INTO mentions ("delivery_id", "post_id") VALUES ('1', '1');
INSERT INTO mentions ("delivery_id", "post_id") VALUES ('2', '2');
INSERT INTO alembic_version (version_num) VALUES ('0004');
