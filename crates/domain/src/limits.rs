//! Every limit on outside input: its value, the reason for it, and the test at the limit.
//!
//! `OpenAPI` and error messages take their numbers from here, and `docs/limits.md` is generated from it. The test target `promises` of
//! the package `tests` checks that table, the numbers in the README, and that each named test exists.

/// One limit, as documentation shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Name of the constant.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
    /// Unit, such as `bytes`.
    pub unit: &'static str,
    /// What is limited.
    pub what: &'static str,
    /// Reason for the value.
    pub reason: &'static str,
    /// Name of the test function that covers the limit.
    pub test: &'static str,
}

/// Defines each limit as a constant and as an entry of [`ALL`].
macro_rules! limits {
    ($($name:ident: $type:ty = $value:expr, $unit:literal {
        what: $what:literal,
        because: $reason:literal,
        tested by: $test:ident,
    })*) => {
        $(
            #[doc = $what]
            #[doc = ""]
            #[doc = concat!("In ", $unit, ". ", $reason)]
            pub const $name: $type = $value;
        )*

        /// Every limit, in the order of this file.
        pub const ALL: &[Limit] = &[
            $(Limit {
                name: stringify!($name),
                value: $name as u64,
                unit: $unit,
                what: $what,
                reason: $reason,
                test: stringify!($test),
            },)*
        ];
    };
}

limits! {
    // Submissions
    MIN_CLIPS: u32 = 1, "clips" {
        what: "Minimum number of clips of a job",
        because: "A job without clips has no result.",
        tested by: options_are_accepted_up_to_their_limits,
    }
    MAX_CLIPS: u32 = 30, "clips" {
        what: "Maximum number of clips of a job",
        because: "An hour of talk has no more worthwhile clips, and the record stays small.",
        tested by: options_are_accepted_up_to_their_limits,
    }
    MIN_CLIP_SECONDS: u32 = 5, "seconds" {
        what: "Smallest clip length that can be requested",
        because: "Less is not a whole sentence.",
        tested by: options_are_accepted_up_to_their_limits,
    }
    MAX_CLIP_SECONDS: u32 = 180, "seconds" {
        what: "Largest clip length that can be requested",
        because: "The maximum of Shorts and Reels.",
        tested by: options_are_accepted_up_to_their_limits,
    }
    MAX_OFFSET_SECONDS: u32 = 86_400, "seconds" {
        what: "Latest start or end of the considered part of a source",
        because: "A day, longer than any source.",
        tested by: options_are_accepted_up_to_their_limits,
    }
    MAX_TOPICS: usize = 20, "topics" {
        what: "Topics of a submission",
        because: "Each is compared with every sentence.",
        tested by: options_are_accepted_up_to_their_limits,
    }
    MAX_TOPIC_CHARS: usize = 200, "characters" {
        what: "Length of a topic",
        because: "A topic is a few words, not a text.",
        tested by: options_are_accepted_up_to_their_limits,
    }
    MAX_URL_BYTES: usize = 2048, "bytes" {
        what: "URL of a source, a receiver or an output",
        because: "What browsers and proxies support; every record and event of the job contains it.",
        tested by: texts_stand_at_their_limits,
    }
    MAX_LABEL_BYTES: usize = 256, "bytes" {
        what: "A back end's own id of a job or a user",
        because: "It is an id in another system's table; the record and every callback contain it.",
        tested by: texts_stand_at_their_limits,
    }
    MAX_IDEMPOTENCY_KEY_CHARS: usize = 255, "characters" {
        what: "An idempotency key",
        because: "What other services with such keys take; it is hashed and not kept.",
        tested by: a_malformed_submission_is_rejected_and_nothing_is_stored,
    }
    MAX_SUBMISSION_BYTES: usize = 64 * 1024, "bytes" {
        what: "Body of a submission, and of a request about an upload",
        because: "Twice the size of a body with every field at its limit.",
        tested by: bodies_stand_at_their_limits,
    }

    // Plans and rendering
    MAX_PLAN_BYTES: usize = 256 * 1024, "bytes" {
        what: "Body of an edited plan",
        because: "A plan of thirty clips with all its evidence fits.",
        tested by: bodies_stand_at_their_limits,
    }
    CLIP_INDEX_LIMIT: u32 = 100, "clips" {
        what: "Index of a clip in a plan (exclusive)",
        because: "File names contain it, and a plan may skip numbers; no planner counts that far.",
        tested by: an_edited_plan_is_accepted_up_to_its_limits,
    }
    MAX_CLIP_MS: u64 = 180_000, "milliseconds" {
        what: "Length of a clip in an edited plan",
        because: "The largest length that a submission can request.",
        tested by: an_edited_plan_is_accepted_up_to_its_limits,
    }
    MIN_CLIP_MS: u64 = 100, "milliseconds" {
        what: "Minimum length of a clip after its cuts",
        because: "One frame at ten frames per second.",
        tested by: an_edited_plan_is_accepted_up_to_its_limits,
    }
    MAX_CUTS: usize = 500, "cuts" {
        what: "Cuts in one clip of a plan",
        because: "Nearly three per second in the longest clip; rendering them takes less than 0.8 GB.",
        tested by: a_plan_with_as_many_cuts_as_there_may_be_stays_in_sync,
    }

    // Texts from a source, a planner or a user
    MAX_TITLE_BYTES: usize = 400, "bytes" {
        what: "Title of a source or a clip",
        because: "More than YouTube's hundred characters in any script; an event of thirty clips with every text at its limit fits.",
        tested by: outside_texts_are_truncated_to_their_limits,
    }
    MAX_TEXT_BYTES: usize = 1500, "bytes" {
        what: "Summary or reason of a clip",
        because: "Two long sentences; an event of thirty clips with every text at its limit fits, even if JSON escapes every character.",
        tested by: outside_texts_are_truncated_to_their_limits,
    }
    MAX_MESSAGE_BYTES: usize = 1000, "bytes" {
        what: "Error message of a failure or of a delivery attempt",
        because: "It is one line for display; the record of a delivery holds fifty attempts.",
        tested by: outside_texts_are_truncated_to_their_limits,
    }
    MAX_STEP_BYTES: usize = 300, "bytes" {
        what: "Description of a worker's current step",
        because: "It is one short line for display.",
        tested by: a_long_step_is_truncated,
    }
    MAX_FILE_NAME_BYTES: usize = 1024, "bytes" {
        what: "Name of an uploaded file",
        because: "File systems allow 255 characters.",
        tested by: a_file_name_stands_at_its_limit,
    }

    // Media: sizes, lengths, and resources for decoding
    MAX_SOURCE_BYTES: u64 = 10 << 30, "bytes" {
        what: "File size of a source",
        because: "Four hours at 1080p fit, and the disk of a task holds it.",
        tested by: the_limits_of_a_source_are_what_the_tool_has_by_default,
    }
    MAX_SOURCE_SECONDS: u64 = 4 * 3600, "seconds" {
        what: "Length of a source",
        because: "The longest talk that an attempt can process in its time limit.",
        tested by: the_limits_of_a_source_are_what_the_tool_has_by_default,
    }
    MAX_PIXELS: u64 = 7680 * 4320, "pixels" {
        what: "Picture size of a source, both coded and displayed",
        because: "8K; a decoded frame takes 50 to 200 MB.",
        tested by: a_picture_is_measured_as_stored_and_as_shown,
    }
    MIN_SIDE_PX: u32 = 16, "pixels" {
        what: "Shorter side of a picture, at least",
        because: "A smaller picture shows nothing.",
        tested by: a_picture_is_measured_as_stored_and_as_shown,
    }
    MAX_ASPECT_RATIO: u32 = 20, "times" {
        what: "Ratio of a picture's longer to its shorter side",
        because: "The blurred background is scaled to the clip's shorter side, so its longer side grows with this ratio.",
        tested by: a_picture_is_measured_as_stored_and_as_shown,
    }
    MAX_STREAMS: usize = 32, "streams" {
        what: "Streams of a source",
        because: "Each is probed; films with many languages have about twenty.",
        tested by: the_limits_of_a_source_are_what_the_tool_has_by_default,
    }
    DOWNLOAD_TIMEOUT_SECONDS: u64 = 3600, "seconds" {
        what: "Time to download a source",
        because: "The largest source at 3 MB/s.",
        tested by: the_limits_of_a_source_are_what_the_tool_has_by_default,
    }
    DOWNLOAD_IDLE_SECONDS: u64 = 30, "seconds" {
        what: "Time in which a source's server may send nothing",
        because: "A server that is silent for so long is down.",
        tested by: the_limits_of_a_source_are_what_the_tool_has_by_default,
    }
    MAX_GAP_SECONDS: u64 = 3600, "seconds" {
        what: "Gap in the audio that is filled with silence; the audio ends at a longer one",
        because: "The silence is generated in one block of 200 MB; pauses in recordings are shorter.",
        tested by: sound_whose_clock_jumps_ends_at_the_jump,
    }
    CHILD_MEMORY_BYTES: u64 = 4 << 30, "bytes" {
        what: "Data memory of an ffmpeg or ffprobe process",
        because: "Half of a task's memory; the largest allowed picture needs less.",
        tested by: a_program_has_the_memory_of_the_limit_and_no_more,
    }
    SITE_CHILD_MEMORY_BYTES: u64 = 2 << 30, "bytes" {
        what: "Data memory of the process that reads a site's page",
        because: "The scripts of a page take a few hundred megabytes.",
        tested by: a_program_has_the_memory_of_the_limit_and_no_more,
    }
    CHILD_BASE_SECONDS: u64 = 300, "seconds" {
        what: "Base time limit of an ffmpeg process, to which its input adds",
        because: "Enough to open the largest file on a busy machine.",
        tested by: a_program_has_the_time_of_its_source_and_no_more,
    }
    CHILD_SECONDS_PER_VIDEO_SECOND: u64 = 120, "seconds" {
        what: "Time limit added for each second of video",
        because: "The slowest machines decode and compose an 8K frame in two seconds.",
        tested by: a_program_has_the_time_of_its_source_and_no_more,
    }
    CHILD_SECONDS_PER_AUDIO_SECOND: u64 = 10, "seconds" {
        what: "Time limit added for each second of audio",
        because: "ffmpeg waits for the speech recogniser, which takes a second or two per second on the slowest machines.",
        tested by: a_program_has_the_time_of_its_source_and_no_more,
    }
    MAX_PROGRAM_OUTPUT_BYTES: usize = 1 << 20, "bytes" {
        what: "Output of a program about a file",
        because: "A film with thirty streams takes 30 KB; only a title of megabytes takes more.",
        tested by: what_a_program_says_stands_at_its_limit,
    }
    MIN_SAMPLE_RATE: u32 = 4000, "samples a second" {
        what: "Audio sample rate, at least",
        because: "Telephony has 8,000; at a few samples per second, one frame spans hours and is decoded at once.",
        tested by: sound_is_measured_before_it_is_decoded,
    }
    MAX_SAMPLE_RATE: u32 = 768_000, "samples a second" {
        what: "Audio sample rate, at most",
        because: "The highest rate in studio recording.",
        tested by: sound_is_measured_before_it_is_decoded,
    }
    MAX_CHANNELS: u32 = 64, "channels" {
        what: "Audio channels",
        because: "The largest mixing desks; all channels are decoded together.",
        tested by: sound_is_measured_before_it_is_decoded,
    }
    MAX_STDERR_BYTES: usize = 16 << 10, "bytes" {
        what: "Bytes of a program's standard error that are stored",
        because: "The reason is in the last lines.",
        tested by: only_the_end_of_a_long_standard_error_is_kept,
    }
    MAX_SITE_METADATA_BYTES: u64 = 64 << 20, "bytes" {
        what: "Metadata of a site's page",
        because: "The largest sites send about 1 MB.",
        tested by: a_description_stands_at_its_limit,
    }
    ATTEMPT_SECONDS: u64 = 350 * 60, "seconds" {
        what: "Duration of an attempt of a job",
        because: "Ten minutes before Step Functions stops it without notifying the task.",
        tested by: an_attempt_ends_at_its_limit,
    }
    STALL_SECONDS: u64 = 15 * 60, "seconds" {
        what: "Time without progress after which a stage counts as stalled",
        because: "Longer than any step runs without a progress report on a busy machine.",
        tested by: a_stage_is_stuck_only_when_nothing_moves,
    }
    MAX_MODEL_ANSWER_BYTES: usize = 1 << 20, "bytes" {
        what: "Response of a language model",
        because: "Fifty clips with their texts take 50 KB.",
        tested by: an_endless_answer_ends_at_the_limit_of_time_or_size,
    }
    MAX_PROPOSED_TITLE_CHARS: usize = 80, "characters" {
        what: "Title of a clip by a language model",
        because: "It is displayed in one line; a longer one is truncated.",
        tested by: texts_of_a_model_stand_at_their_limits,
    }
    MAX_PROPOSED_TEXT_CHARS: usize = 400, "characters" {
        what: "Summary or reason of a clip by a language model",
        because: "Two sentences; a longer one is truncated.",
        tested by: texts_of_a_model_stand_at_their_limits,
    }
    MAX_PROPOSED_CLIPS: usize = 50, "clips" {
        what: "Clips in the response of a language model",
        because: "Each is searched for in the transcript; more than a job can have are never used.",
        tested by: no_more_clips_of_an_answer_are_looked_at_than_the_limit,
    }

    MIN_BYTES_PER_SECOND: u64 = 1 << 10, "bytes a second" {
        what: "Throughput of a source's server, at least, over any half minute",
        because: "A tenth of it is not a download but an attempt to occupy a task for an hour.",
        tested by: a_server_that_drips_is_given_up,
    }
    MAX_REDIRECTS: usize = 10, "redirects" {
        what: "Redirects followed to a source",
        because: "Half of what browsers follow; each target is checked like the first URL.",
        tested by: a_redirect_to_a_file_or_without_end_is_refused,
    }
    MAX_DOWNLOAD_RETRY_AFTER_S: u64 = 600, "seconds" {
        what: "`Retry-After` of a source's server that is honoured",
        because: "A waiting worker costs money, and a stage without progress for a quarter of an hour counts as stalled.",
        tested by: a_server_that_asks_to_wait_is_waited_for_if_it_is_not_long,
    }

    // Captions and transcripts
    MAX_CAPTION_BYTES: usize = 8 << 20, "bytes" {
        what: "Size of a site's caption file",
        because: "Four hours of roll-up captions take about half of it; a larger file is ignored and the audio transcribed.",
        tested by: a_caption_file_at_the_limit_of_bytes_is_read_and_a_larger_one_is_not,
    }
    MAX_CAPTION_CUES: usize = 100_000, "captions" {
        what: "Cues in a site's caption file",
        because: "Seven per second for four hours, more than one per word; a file with more is ignored.",
        tested by: a_file_at_the_limit_of_cues_is_read_and_a_longer_one_is_not,
    }
    MAX_CAPTION_LINES: usize = 100, "lines" {
        what: "Lines of one cue",
        because: "Viewers read two or three; a file with more in one cue is ignored.",
        tested by: a_cue_at_the_limit_of_lines_is_read_and_a_longer_one_is_not,
    }
    MAX_WORD_CHARS: usize = 200, "characters" {
        what: "Length of a word in a transcript",
        because: "In scripts without spaces a caption is one word, of up to a hundred characters; typesetting longer ones takes minutes.",
        tested by: words_are_accepted_up_to_their_limit,
    }
    MAX_CHARS_PER_MINUTE: u64 = 10_000, "a minute" {
        what: "Characters of a transcript per minute of source",
        because: "The fastest speakers say about 4,000; more is not speech.",
        tested by: transcripts_above_the_limit_of_characters_per_minute_are_too_fast,
    }
    MAX_WORDS_PER_MINUTE: u64 = 1000, "a minute" {
        what: "Words or sentences of a transcript per minute of source",
        because: "The fastest speakers say about 600; more is not speech, and planning it would waste time and memory.",
        tested by: transcripts_above_the_limit_of_words_per_minute_are_too_fast,
    }

    // Records, events and pages
    MAX_ID_CHARS: usize = 64, "characters" {
        what: "Id of a job, an upload or a message",
        because: "Object keys, headers and names of executions contain it; a UUID has 36.",
        tested by: ids_contain_no_path_characters,
    }
    MAX_EVENT_BYTES: usize = 256 * 1024, "bytes" {
        what: "Body of an event",
        because: "A job of thirty clips with all its texts fits.",
        tested by: a_body_has_a_limit_whoever_sends_it,
    }
    MAX_REPORTED_CLIPS: usize = MAX_CLIPS as usize, "clips" {
        what: "Clips of a reported output",
        because: "As many as a job can have; with every URL and text at its limit the record fits a DynamoDB item. Further clips are ignored.",
        tested by: clips_beyond_the_limit_are_ignored,
    }
    MAX_TIMINGS: usize = 20, "timings" {
        what: "Timings of a reported output",
        because: "There are five stages; the record and its terminal event contain them. Further timings are ignored.",
        tested by: timings_are_accepted_up_to_their_limits,
    }
    MAX_TIMING_NAME_BYTES: usize = 64, "bytes" {
        what: "Name of a reported timing",
        because: "It is the name of a stage and a unit; a timing with a longer name is ignored.",
        tested by: timings_are_accepted_up_to_their_limits,
    }
    MAX_EVENT_DEPTH: usize = 8, "levels" {
        what: "How deep an event is read",
        because: "The deepest that is known has five; what lies deeper is passed over, so that nobody fills the stack with brackets.",
        tested by: unknown_fields_are_ignored,
    }
    MAX_EVENT_RETRY_AFTER_S: u64 = 600, "seconds" {
        what: "`Retry-After` of the receiver of the worker's events that is honoured",
        because: "A waiting worker costs money; the stored outcome contains the same as the event.",
        tested by: a_wish_to_wait_is_kept_as_seconds_or_date_up_to_its_limit,
    }
    MAX_PAGE_ITEMS: usize = 100, "jobs" {
        what: "Jobs of one part of a list",
        because: "A part is read and answered within the time and size of a function's answer.",
        tested by: a_list_is_paged_newest_first_and_filtered_by_status,
    }
    MAX_PAGE_BYTES: usize = 2 << 20, "bytes" {
        what: "A part of a list of jobs or deliveries",
        because: "Lambda's answer has 6 MB, in which this text stands as a text once more: each quotation mark becomes two characters, one within a text four.",
        tested by: pages_of_a_list_are_limited_in_bytes,
    }
    MAX_SUBSCRIBED_JOBS: usize = 100, "jobs" {
        what: "Jobs that a connection subscribes to by name",
        because: "They stand in one item; whoever wants more subscribes to all.",
        tested by: a_connection_subscribes_to_a_hundred_jobs_at_most,
    }
    MAX_CLIENT_MESSAGE_BYTES: usize = 4096, "bytes" {
        what: "Message from a client over the WebSocket",
        because: "It names one job.",
        tested by: a_client_message_stands_at_its_limit,
    }
    MAX_CONNECTIONS: u32 = 50, "connections" {
        what: "Open WebSocket connections of an owner",
        because: "More tabs than anybody has open; all are notified concurrently, and unresponsive ones delay the others by seconds only.",
        tested by: connections_stand_at_their_limit,
    }
    MAX_SERVER_MESSAGE_BYTES: usize = 120 * 1024, "bytes" {
        what: "Message to a client over the WebSocket",
        because: "API Gateway accepts 128 KB.",
        tested by: a_snapshot_at_every_limit_fits_a_message,
    }
    SIGNATURE_TOLERANCE_S: u64 = 300, "seconds" {
        what: "Allowed difference between a signature's time and the current time",
        because: "What Standard Webhooks recommends: clocks differ, and an old message may be a replay.",
        tested by: five_minutes_are_tolerated_and_not_a_second_more,
    }
    MAX_SIGNATURES: usize = 16, "signatures" {
        what: "Signatures of a message that are checked",
        because: "One per secret during a rotation; each costs a hash of the body.",
        tested by: one_of_several_signatures_is_enough_and_unknown_schemes_are_ignored,
    }
    MAX_MESSAGE_IDS: usize = 500, "messages" {
        what: "Messages without a sequence number that a job remembers per ten minutes",
        because: "A report every two seconds makes 300; the record holds three such sets, of 57 KB at most.",
        tested by: remembered_messages_are_bounded_and_terminal_events_exceed_the_bound,
    }

    // Callbacks, uploads and shares
    MAX_DISABLED_ADDRESSES: u32 = 100, "addresses" {
        what: "Addresses of an owner that are remembered for wanting no callbacks any more",
        because: "Each is 32 digits in one record; one more is asked again with each delivery.",
        tested by: disabled_addresses_are_recorded_up_to_a_limit,
    }
    MAX_PREVIOUS_SECRETS: usize = 5, "secrets" {
        what: "Previous secrets that still sign callbacks",
        because: "Each adds a signature to a header.",
        tested by: every_secret_of_the_last_day_signs,
    }
    MAX_CONCURRENT_DELIVERIES: u32 = 10, "jobs" {
        what: "Jobs of an owner whose callbacks are delivered at the same time",
        because: "A hundredth of what an account's functions may do at once: slow receivers of one owner hold nobody else up.",
        tested by: an_owner_never_exceeds_its_delivery_slots,
    }
    MAX_OPEN_UPLOADS: u32 = 20, "uploads" {
        what: "Uploads of an owner that are under way at the same time",
        because: "As many as jobs under way; each may hold gigabytes that nobody has paid for.",
        tested by: open_uploads_stop_at_their_limit,
    }
    MAX_UPLOAD_BYTES: u64 = 5_000_000_000, "bytes" {
        what: "Size of an upload, unless the deployment sets another limit",
        because: "Two hours at 1080p; the worker copies it in one call, which allows 5 GiB.",
        tested by: the_default_size_of_an_upload_is_that_of_the_template,
    }
    UPLOAD_PART_BYTES: u64 = 16 << 20, "bytes" {
        what: "Size of every part of an upload but the last",
        because: "A failed part is sent again in seconds, and the largest upload has a few hundred; S3 requires at least 5 MiB.",
        tested by: parts_stand_at_their_limits,
    }
    UPLOAD_LIFETIME_S: i64 = 2 * 24 * 3600, "seconds" {
        what: "Time in which an upload can be used after its start",
        because: "The bucket's lifecycle rule then deletes incomplete uploads.",
        tested by: an_upload_can_be_used_for_two_days,
    }
    UPLOAD_RECORD_RETENTION_S: i64 = 12 * 24 * 3600, "seconds" {
        what: "Retention of an upload's record",
        because: "It lists the jobs that use the object and outlives it: two days until the upload is complete, seven in the bucket, and up to two until the lifecycle rule runs.",
        tested by: the_record_of_an_upload_outlives_its_object,
    }
    MAX_JOBS_PER_UPLOAD: u32 = 100, "jobs" {
        what: "Jobs made from one upload",
        because: "The upload's record lists them; users try a few sets of options on one video.",
        tested by: jobs_of_an_upload_stand_at_their_limit,
    }
    MAX_UPLOAD_TITLE_CHARS: usize = 200, "characters" {
        what: "Title of an upload",
        because: "The record and every event contain it; a longer title is truncated.",
        tested by: the_title_of_an_upload_is_cut,
    }
    UPLOAD_IDLE_S: u32 = 7200, "seconds" {
        what: "How long an upload is under way after its last request for links",
        because: "A link for a part holds for an hour.",
        tested by: an_abandoned_upload_releases_its_slot,
    }
    STALE_SECRET_S: u64 = 900, "seconds" {
        what: "How long the last good keys and secrets serve when they cannot be read anew",
        because: "Long enough for most failures of Secrets Manager, short enough for one that was taken back.",
        tested by: cached_keys_serve_while_they_cannot_be_refreshed,
    }
    MAX_RETRY_AFTER_S: u64 = 36_000, "seconds" {
        what: "`Retry-After` of a callback receiver that is honoured",
        because: "The longest delay of the retry schedule; a receiver that asks for more is contacted after it.",
        tested by: retry_delays_grow_and_end_and_retry_after_extends_them,
    }
    MAX_RECEIVER_ANSWER_BYTES: usize = 16 * 1024, "bytes" {
        what: "Bytes read of a callback receiver's response",
        because: "Only the status counts; a short body is read so that the connection can be reused.",
        tested by: a_long_answer_is_read_no_further_than_needed,
    }
    MAX_STORED_DELIVERY_ATTEMPTS: usize = 50, "attempts" {
        what: "Attempts of a delivery that are stored",
        because: "All attempts of six replays; the record stays small.",
        tested by: only_the_newest_attempts_are_stored,
    }
    MAX_CALLBACK_TEST_BYTES: usize = 16 * 1024, "bytes" {
        what: "Body of a callback test",
        because: "It names one URL.",
        tested by: bodies_stand_at_their_limits,
    }
    MAX_LINKED_PARTS: usize = 100, "parts" {
        what: "Parts of an upload for which links are requested at once",
        because: "Each link is signed individually, and the response stays small.",
        tested by: parts_stand_at_their_limits,
    }
    MAX_PARTS: usize = 10_000, "parts" {
        what: "Parts of an upload",
        because: "The maximum of S3.",
        tested by: parts_stand_at_their_limits,
    }
    MAX_COMPLETION_BYTES: usize = 1 << 20, "bytes" {
        what: "Body of the request that completes an upload",
        because: "It names every part.",
        tested by: bodies_stand_at_their_limits,
    }
}
