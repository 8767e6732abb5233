//! Every bound on what comes from outside, in one place: its value, why it is that, and the test that stands at it.
//!
//! `OpenAPI` and error messages take their numbers from here; `docs/limits.md` is this file as a table. The tests of the
//! package `tests` by the name of `promises` check that table, the numbers of README, and that each named test exists.

/// One bound, as documents show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Name of the constant.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
    /// What it is counted in, such as `bytes`.
    pub unit: &'static str,
    /// What is bounded, for a reader of the documents.
    pub what: &'static str,
    /// Why it is this value.
    pub reason: &'static str,
    /// Name of the test function that stands at the limit.
    pub test: &'static str,
}

/// Defines each limit as a constant and as a row of [`ALL`].
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
        what: "Clips of a job, at least",
        because: "A job that makes nothing is none.",
        tested by: limits_are_kept,
    }
    MAX_CLIPS: u32 = 30, "clips" {
        what: "Clips of a job, at most",
        because: "An hour of talk has no more that are worth it, and their record stays small.",
        tested by: limits_are_kept,
    }
    MIN_CLIP_SECONDS: u32 = 5, "seconds" {
        what: "The shortest length that may be asked of a clip",
        because: "Less is no whole sentence.",
        tested by: limits_are_kept,
    }
    MAX_CLIP_SECONDS: u32 = 180, "seconds" {
        what: "The longest length that may be asked of a clip",
        because: "The longest that Shorts and Reels take.",
        tested by: limits_are_kept,
    }
    MAX_OFFSET_SECONDS: u32 = 86_400, "seconds" {
        what: "The last second of a source that a submission may name",
        because: "A day, longer than any source.",
        tested by: limits_are_kept,
    }
    MAX_TOPICS: usize = 20, "topics" {
        what: "Topics of a submission",
        because: "Each is compared with every sentence.",
        tested by: limits_are_kept,
    }
    MAX_TOPIC_CHARS: usize = 200, "characters" {
        what: "A topic",
        because: "A topic is a few words, not a text.",
        tested by: limits_are_kept,
    }
    MAX_URL_BYTES: usize = 2048, "bytes" {
        what: "An address of a source, a receiver or a file that was made",
        because: "What browsers and proxies carry; it stands in every record and event of the job.",
        tested by: texts_stand_at_their_limits,
    }
    MAX_LABEL_BYTES: usize = 256, "bytes" {
        what: "A back end's own name of a job or a user",
        because: "It is an id in somebody's table; it stands in the record and in every callback.",
        tested by: texts_stand_at_their_limits,
    }
    MAX_IDEMPOTENCY_KEY_CHARS: usize = 255, "characters" {
        what: "An idempotency key",
        because: "What other services with such keys take; it is hashed and not kept.",
        tested by: what_is_malformed_is_refused_and_nothing_written,
    }
    MAX_SUBMISSION_BYTES: usize = 64 * 1024, "bytes" {
        what: "The body of a submission, and of a request about an upload",
        because: "Every field at its limit fits twice.",
        tested by: bodies_stand_at_their_limits,
    }

    // Plans and rendering
    MAX_PLAN_BYTES: usize = 256 * 1024, "bytes" {
        what: "The body of an edited plan",
        because: "A plan of thirty clips with all its evidence fits.",
        tested by: bodies_stand_at_their_limits,
    }
    CLIP_INDEX_LIMIT: u32 = 100, "clips" {
        what: "The number of a clip in a plan, plus one",
        because: "It stands in the names of files, and numbers may be left out; no planner counts that far.",
        tested by: an_edited_plan_stands_at_its_limits,
    }
    MAX_CLIP_MS: u64 = 180_000, "milliseconds" {
        what: "The longest clip of an edited plan",
        because: "The longest that a submission may ask for.",
        tested by: an_edited_plan_stands_at_its_limits,
    }
    MIN_CLIP_MS: u64 = 100, "milliseconds" {
        what: "What is shown of a clip, at least",
        because: "One frame at ten a second.",
        tested by: an_edited_plan_stands_at_its_limits,
    }
    MAX_CUTS: usize = 500, "cuts" {
        what: "Cuts in a clip of a plan",
        because: "Nearly three a second in the longest clip; rendering them takes less than 0.8 GB.",
        tested by: a_plan_with_as_many_cuts_as_there_may_be_stays_in_sync,
    }

    // Texts that come from a source, a planner or a person
    MAX_TITLE_BYTES: usize = 400, "bytes" {
        what: "A title, of a source or a clip",
        because: "Above the hundred characters that YouTube takes, in any script; with thirty clips at every limit the event fits.",
        tested by: texts_of_others_stand_at_their_limits,
    }
    MAX_TEXT_BYTES: usize = 1500, "bytes" {
        what: "The summary or the reason of a clip",
        because: "Two long sentences; with thirty clips at every limit the event fits, also where JSON writes each character as two.",
        tested by: texts_of_others_stand_at_their_limits,
    }
    MAX_MESSAGE_BYTES: usize = 1000, "bytes" {
        what: "What is said of a failure, or of a try of a delivery",
        because: "It is one line for a person; fifty tries stand in the record of a delivery.",
        tested by: texts_of_others_stand_at_their_limits,
    }
    MAX_STEP_BYTES: usize = 300, "bytes" {
        what: "What a worker says it is doing",
        because: "It is one short line for a person.",
        tested by: a_long_step_is_cut,
    }
    MAX_FILE_NAME_BYTES: usize = 1024, "bytes" {
        what: "The name of a file that is uploaded",
        because: "File systems take 255 characters.",
        tested by: a_file_name_stands_at_its_limit,
    }

    // Media: sizes, lengths, and what decoding may use
    MAX_SOURCE_BYTES: u64 = 10 << 30, "bytes" {
        what: "The file of a source",
        because: "Four hours at 1080 lines fit, and so does the disk of a task.",
        tested by: the_limits_of_a_source_are_what_the_tool_has_by_default,
    }
    MAX_SOURCE_SECONDS: u64 = 4 * 3600, "seconds" {
        what: "The length of a source",
        because: "The longest talk that is done within the time of an attempt.",
        tested by: the_limits_of_a_source_are_what_the_tool_has_by_default,
    }
    MAX_PIXELS: u64 = 7680 * 4320, "pixels" {
        what: "The picture of a source, as stored and as shown",
        because: "8K; a frame of it takes 50 to 200 MB while it is unpacked.",
        tested by: a_picture_is_measured_as_stored_and_as_shown,
    }
    MIN_SIDE_PX: u32 = 16, "pixels" {
        what: "The shorter side of a picture",
        because: "Nothing can be seen in less.",
        tested by: a_picture_is_measured_as_stored_and_as_shown,
    }
    MAX_ASPECT_RATIO: u32 = 20, "times" {
        what: "How many times as long as wide a picture may be",
        because: "The ground behind it is scaled to the clip's shorter side, so its longer side grows with this.",
        tested by: a_picture_is_measured_as_stored_and_as_shown,
    }
    MAX_STREAMS: usize = 32, "streams" {
        what: "Streams of a source",
        because: "Each is probed; films with many languages have about twenty.",
        tested by: the_limits_of_a_source_are_what_the_tool_has_by_default,
    }
    DOWNLOAD_TIMEOUT_SECONDS: u64 = 3600, "seconds" {
        what: "Fetching a source",
        because: "The largest source at 3 MB/s.",
        tested by: the_limits_of_a_source_are_what_the_tool_has_by_default,
    }
    DOWNLOAD_IDLE_SECONDS: u64 = 30, "seconds" {
        what: "A server of a source that sends nothing",
        because: "It is gone by then.",
        tested by: the_limits_of_a_source_are_what_the_tool_has_by_default,
    }
    MAX_GAP_SECONDS: u64 = 3600, "seconds" {
        what: "A gap in the sound that is filled with silence; the sound ends at a longer one",
        because: "The silence is made at once, in 200 MB; a pause in a recording is shorter.",
        tested by: sound_whose_clock_jumps_ends_at_the_jump,
    }
    CHILD_MEMORY_BYTES: u64 = 4 << 30, "bytes" {
        what: "The memory of ffmpeg and ffprobe, in data of one process",
        because: "Half of a task's memory; the largest picture allowed takes less.",
        tested by: a_program_has_the_memory_of_the_limit_and_no_more,
    }
    SITE_CHILD_MEMORY_BYTES: u64 = 2 << 30, "bytes" {
        what: "The memory of a program that reads a site's page, in data of one process",
        because: "A page's scripts take a few hundred megabytes.",
        tested by: a_program_has_the_memory_of_the_limit_and_no_more,
    }
    CHILD_BASE_SECONDS: u64 = 300, "seconds" {
        what: "Time that a program of ffmpeg has, on top of that for its input",
        because: "To open the largest file on a busy machine.",
        tested by: a_program_has_the_time_of_its_source_and_no_more,
    }
    CHILD_SECONDS_PER_VIDEO_SECOND: u64 = 120, "seconds" {
        what: "Time that it has for each second of picture",
        because: "8K is unpacked and composed at a frame in two seconds on the slowest machines.",
        tested by: a_program_has_the_time_of_its_source_and_no_more,
    }
    CHILD_SECONDS_PER_AUDIO_SECOND: u64 = 10, "seconds" {
        what: "Time that it has for each second of sound",
        because: "It waits for the recogniser, which takes a second or two for it on the slowest machines.",
        tested by: a_program_has_the_time_of_its_source_and_no_more,
    }
    MAX_PROGRAM_OUTPUT_BYTES: usize = 1 << 20, "bytes" {
        what: "What a program may say of a file",
        because: "A film with thirty streams takes 30 KB; only a title of megabytes takes more.",
        tested by: what_a_program_says_stands_at_its_limit,
    }
    MIN_SAMPLE_RATE: u32 = 4000, "samples a second" {
        what: "Samples of a sound a second, at least",
        because: "Telephones have 8,000; a frame of a few samples a second lasts for hours and is unpacked at once.",
        tested by: sound_is_measured_before_it_is_decoded,
    }
    MAX_SAMPLE_RATE: u32 = 768_000, "samples a second" {
        what: "Samples of a sound a second, at most",
        because: "The most that studios record.",
        tested by: sound_is_measured_before_it_is_decoded,
    }
    MAX_CHANNELS: u32 = 64, "channels" {
        what: "Channels of a sound",
        because: "The largest mixers have them; each is unpacked beside the others.",
        tested by: sound_is_measured_before_it_is_decoded,
    }
    MAX_STDERR_BYTES: usize = 16 << 10, "bytes" {
        what: "What is kept of a program's standard error",
        because: "The reason is in its last lines.",
        tested by: only_the_end_of_a_long_standard_error_is_kept,
    }
    MAX_SITE_METADATA_BYTES: u64 = 64 << 20, "bytes" {
        what: "The description of a site's page",
        because: "Those of the largest sites take about 1 MB.",
        tested by: a_description_stands_at_its_limit,
    }
    ATTEMPT_SECONDS: u64 = 350 * 60, "seconds" {
        what: "An attempt of a job",
        because: "Ten minutes before Step Functions gives it up without a word to the task.",
        tested by: an_attempt_ends_at_its_limit,
    }
    STALL_SECONDS: u64 = 15 * 60, "seconds" {
        what: "A stage of an attempt that stands still",
        because: "Longer than any step without news takes on a busy machine.",
        tested by: a_stage_is_stuck_only_when_nothing_moves,
    }
    MAX_MODEL_ANSWER_BYTES: usize = 1 << 20, "bytes" {
        what: "An answer of a language model",
        because: "Fifty clips with their words take 50 KB.",
        tested by: an_endless_answer_ends_at_the_limit_of_time_or_size,
    }
    MAX_PROPOSED_TITLE_CHARS: usize = 80, "characters" {
        what: "The title of a clip by a language model",
        because: "It is shown in one line; a longer one is cut.",
        tested by: texts_of_a_model_stand_at_their_limits,
    }
    MAX_PROPOSED_TEXT_CHARS: usize = 400, "characters" {
        what: "The summary or the reason of a clip by a language model",
        because: "Two sentences; a longer one is cut.",
        tested by: texts_of_a_model_stand_at_their_limits,
    }
    MAX_PROPOSED_CLIPS: usize = 50, "clips" {
        what: "Clips of an answer of a language model",
        because: "Each is looked for in the transcript; more than a job may have are never used.",
        tested by: no_more_clips_of_an_answer_are_looked_at_than_the_limit,
    }

    MIN_BYTES_PER_SECOND: u64 = 1 << 10, "bytes a second" {
        what: "What a server of a source must send, over any half minute",
        because: "A tenth of this is no download but a trap that holds a task for its hour.",
        tested by: a_server_that_drips_is_given_up,
    }
    MAX_REDIRECTS: usize = 10, "redirects" {
        what: "Redirects that are followed to a source",
        because: "Half of what browsers follow; each is looked at like the first address.",
        tested by: a_redirect_to_a_file_or_without_end_is_refused,
    }
    MAX_DOWNLOAD_RETRY_AFTER_S: u64 = 600, "seconds" {
        what: "How long a source's `Retry-After` is waited for",
        because: "The worker is paid for while it waits, and a stage that stands still for a quarter of an hour is given up.",
        tested by: a_server_that_asks_to_wait_is_waited_for_if_it_is_not_long,
    }

    // Captions and transcripts
    MAX_CAPTION_BYTES: usize = 8 << 20, "bytes" {
        what: "Size of a site's caption file",
        because: "Four hours of captions that roll up word by word have about half of it; a larger file is not used, and the sound is listened to.",
        tested by: a_caption_file_at_the_limit_of_bytes_is_read_and_a_larger_one_is_not,
    }
    MAX_CAPTION_CUES: usize = 100_000, "captions" {
        what: "Captions in a site's caption file",
        because: "Seven a second for four hours, more than one for each word; a file with more is not used.",
        tested by: a_file_at_the_limit_of_cues_is_read_and_a_longer_one_is_not,
    }
    MAX_CAPTION_LINES: usize = 100, "lines" {
        what: "Lines of one caption",
        because: "People read two or three; a file with more in one is not used.",
        tested by: a_cue_at_the_limit_of_lines_is_read_and_a_longer_one_is_not,
    }
    MAX_WORD_CHARS: usize = 200, "characters" {
        what: "A word of a transcript",
        because: "A caption of a script without spaces is one word, and the longest have a hundred; a longer one would be set in type for minutes.",
        tested by: a_word_stands_at_its_limit,
    }
    MAX_CHARS_PER_MINUTE: u64 = 10_000, "a minute" {
        what: "Characters of a transcript for each minute of the source",
        because: "The fastest speakers say about 4,000; more is no speech.",
        tested by: a_transcript_at_the_limit_of_letters_a_minute_is_speech_and_a_fuller_one_is_not,
    }
    MAX_WORDS_PER_MINUTE: u64 = 1000, "a minute" {
        what: "Words, or sentences, of a transcript for each minute of the source",
        because: "The fastest speakers say about 600; more is no speech, and planning it would cost time and memory for nothing.",
        tested by: a_transcript_at_the_limit_of_words_a_minute_is_speech_and_a_faster_one_is_not,
    }

    // Records, events and pages
    MAX_ID_CHARS: usize = 64, "characters" {
        what: "The id of a job, an upload or a message",
        because: "It stands in keys, headers and names of executions; a UUID has 36.",
        tested by: ids_mean_nothing_to_a_path,
    }
    MAX_EVENT_BYTES: usize = 256 * 1024, "bytes" {
        what: "The body of an event",
        because: "A job of thirty clips with all its texts fits.",
        tested by: a_body_has_a_limit_whoever_sends_it,
    }
    MAX_REPORTED_CLIPS: usize = MAX_CLIPS as usize, "clips" {
        what: "Clips of an output that is reported",
        because: "As many as a job may have; with every address and text at its limit the record is an item of DynamoDB. More are passed over.",
        tested by: no_more_clips_are_kept_than_a_job_may_have,
    }
    MAX_TIMINGS: usize = 20, "timings" {
        what: "Timings of an output that is reported",
        because: "There are five stages; they stand in the record and in every event of its end. More are passed over.",
        tested by: timings_stand_at_their_limits,
    }
    MAX_TIMING_NAME_BYTES: usize = 64, "bytes" {
        what: "The name of a timing that is reported",
        because: "It is the name of a stage and a unit; one under a longer name is passed over.",
        tested by: timings_stand_at_their_limits,
    }
    MAX_EVENT_DEPTH: usize = 8, "levels" {
        what: "How deep an event is read",
        because: "The deepest that is known has five; what lies deeper is passed over, so that nobody fills the stack with brackets.",
        tested by: what_is_not_known_is_passed_over,
    }
    MAX_EVENT_RETRY_AFTER_S: u64 = 600, "seconds" {
        what: "How long a receiver of the worker's events may ask it to wait",
        because: "The worker is paid for while it waits; the outcome that it has written says the same as the event.",
        tested by: a_wish_to_wait_is_kept_as_seconds_or_date_up_to_its_limit,
    }
    MAX_PAGE_ITEMS: usize = 100, "jobs" {
        what: "Jobs of one part of a list",
        because: "A part is read and answered within the time and size of a function's answer.",
        tested by: a_list_is_given_in_parts_newest_first_and_by_status,
    }
    MAX_PAGE_BYTES: usize = 2 << 20, "bytes" {
        what: "A part of a list of jobs or deliveries",
        because: "Lambda's answer has 6 MB, in which this text stands as a text once more: each quotation mark becomes two characters, one within a text four.",
        tested by: parts_of_a_list_end_by_their_bytes,
    }
    MAX_SUBSCRIBED_JOBS: usize = 100, "jobs" {
        what: "Jobs that a connection subscribes to by name",
        because: "They stand in one item; whoever wants more subscribes to all.",
        tested by: a_connection_names_a_hundred_jobs_at_most,
    }
    MAX_CLIENT_MESSAGE_BYTES: usize = 4096, "bytes" {
        what: "A message of a client over the WebSocket",
        because: "It names one job.",
        tested by: a_client_message_stands_at_its_limit,
    }
    MAX_CONNECTIONS: u32 = 50, "connections" {
        what: "Connections of an owner to the WebSocket that are open at the same time",
        because: "More tabs than anybody has open; all of them are told at once, and those that take nothing hold the others up for seconds only.",
        tested by: connections_stand_at_their_limit,
    }
    MAX_SERVER_MESSAGE_BYTES: usize = 120 * 1024, "bytes" {
        what: "A message to a client over the WebSocket",
        because: "API Gateway takes 128 KB.",
        tested by: a_snapshot_at_every_limit_fits_a_message,
    }
    SIGNATURE_TOLERANCE_S: u64 = 300, "seconds" {
        what: "How far the time of a signature may be off",
        because: "What Standard Webhooks asks for: clocks differ, and an old message is no news.",
        tested by: five_minutes_are_tolerated_and_not_a_second_more,
    }
    MAX_SIGNATURES: usize = 16, "signatures" {
        what: "Signatures of a message that are looked at",
        because: "One for each secret while secrets are changed; every one costs a hash of the body.",
        tested by: one_of_several_signatures_is_enough_and_unknown_schemes_are_passed_over,
    }
    MAX_MESSAGE_IDS: usize = 500, "messages" {
        what: "Messages without a place in an attempt that a job remembers of ten minutes",
        because: "A report every two seconds makes 300; three such sets stand in the record, with 57 KB at most.",
        tested by: what_is_remembered_has_a_limit_and_ends_are_taken_beyond_it,
    }

    // Callbacks, uploads and shares
    MAX_DISABLED_ADDRESSES: u32 = 100, "addresses" {
        what: "Addresses of an owner that are remembered for wanting no callbacks any more",
        because: "Each is 32 digits in one record; one more is asked again with each delivery.",
        tested by: addresses_that_want_nothing_are_remembered_up_to_a_limit,
    }
    MAX_PREVIOUS_SECRETS: usize = 5, "secrets" {
        what: "Secrets that sign callbacks beside the current one",
        because: "Every one adds a signature to a header.",
        tested by: every_secret_of_the_last_day_signs,
    }
    MAX_CONCURRENT_DELIVERIES: u32 = 10, "jobs" {
        what: "Jobs of an owner whose callbacks are delivered at the same time",
        because: "A hundredth of what an account's functions may do at once: slow receivers of one owner hold nobody else up.",
        tested by: an_owner_never_has_more_than_its_places,
    }
    MAX_OPEN_UPLOADS: u32 = 20, "uploads" {
        what: "Uploads of an owner that are under way at the same time",
        because: "As many as jobs under way; each may hold gigabytes that nobody has paid for.",
        tested by: as_many_uploads_are_under_way_as_there_may_be,
    }
    MAX_UPLOAD_BYTES: u64 = 5_000_000_000, "bytes" {
        what: "The largest upload, where the deployment sets no other",
        because: "Two hours at 1080 lines; the worker copies it in one call, which takes 5 GiB.",
        tested by: the_default_size_of_an_upload_is_that_of_the_template,
    }
    UPLOAD_PART_BYTES: u64 = 16 << 20, "bytes" {
        what: "Every part of an upload but the last",
        because: "A part that breaks off is sent again in seconds, and the largest upload has a few hundred; S3 takes none below 5 MiB.",
        tested by: parts_stand_at_their_limits,
    }
    UPLOAD_LIFETIME_S: i64 = 2 * 24 * 3600, "seconds" {
        what: "How long an upload can be used after it was begun",
        because: "The bucket's lifecycle then removes what is not complete.",
        tested by: an_upload_can_be_used_for_two_days,
    }
    UPLOAD_RECORD_RETENTION_S: i64 = 12 * 24 * 3600, "seconds" {
        what: "How long the record of an upload is kept",
        because: "It says which jobs use the object, and outlives it: two days until it is complete, seven in the bucket, and up to two until its lifecycle gets to it.",
        tested by: the_record_of_an_upload_outlives_its_object,
    }
    MAX_JOBS_PER_UPLOAD: u32 = 100, "jobs" {
        what: "Jobs that are made from one upload",
        because: "They stand in its record; other options for the same video are tried a few times.",
        tested by: jobs_of_an_upload_stand_at_their_limit,
    }
    MAX_UPLOAD_TITLE_CHARS: usize = 200, "characters" {
        what: "The title of an upload",
        because: "It stands in the record and in every event; a file's name is longer at most by its ending.",
        tested by: the_title_of_an_upload_is_cut,
    }
    UPLOAD_IDLE_S: u32 = 7200, "seconds" {
        what: "How long an upload is under way after its last request for links",
        because: "A link for a part holds for an hour.",
        tested by: an_upload_that_was_left_makes_room,
    }
    STALE_SECRET_S: u64 = 900, "seconds" {
        what: "How long the last good keys and secrets serve when they cannot be read anew",
        because: "Long enough for most failures of Secrets Manager, short enough for one that was taken back.",
        tested by: keys_that_cannot_be_read_anew_serve_for_a_while,
    }
    MAX_RETRY_AFTER_S: u64 = 36_000, "seconds" {
        what: "How long a receiver's `Retry-After` may put a callback off",
        because: "The longest pause between two tries; a receiver that asks for more is asked after it.",
        tested by: pauses_grow_and_end_and_a_receiver_may_ask_for_longer,
    }
    MAX_RECEIVER_ANSWER_BYTES: usize = 16 * 1024, "bytes" {
        what: "What is read of a receiver's answer",
        because: "Only its status counts; what is short is read so that the connection can be used again.",
        tested by: a_long_answer_is_read_no_further_than_needed,
    }
    MAX_STORED_DELIVERY_ATTEMPTS: usize = 50, "tries" {
        what: "Tries of a delivery that are kept",
        because: "All tries of six replays; the record of a delivery stays small.",
        tested by: only_the_newest_tries_are_kept,
    }
    MAX_CALLBACK_TEST_BYTES: usize = 16 * 1024, "bytes" {
        what: "The body of a test of a callback",
        because: "It names one address.",
        tested by: bodies_stand_at_their_limits,
    }
    MAX_LINKED_PARTS: usize = 100, "parts" {
        what: "Parts of an upload that are linked at once",
        because: "Each link is signed on its own, and the answer stays small.",
        tested by: parts_stand_at_their_limits,
    }
    MAX_PARTS: usize = 10_000, "parts" {
        what: "Parts of an upload",
        because: "What S3 takes.",
        tested by: parts_stand_at_their_limits,
    }
    MAX_COMPLETION_BYTES: usize = 1 << 20, "bytes" {
        what: "The body that completes an upload",
        because: "It names every part.",
        tested by: bodies_stand_at_their_limits,
    }
}
