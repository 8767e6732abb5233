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
    ($($what:literal, $name:ident: $type:ty = $value:expr, $unit:literal, because $reason:literal, tested by $test:ident;)*) => {
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
    "Clips of a job, at least", LEAST_CLIPS: u32 = 1, "clips", because "A job that makes nothing is none.", tested by limits_are_kept;
    "Clips of a job, at most", MOST_CLIPS: u32 = 30, "clips", because "An hour of talk has no more that are worth it, and their record stays small.", tested by limits_are_kept;
    "The shortest length that may be asked of a clip", LEAST_CLIP_SECONDS: u32 = 5, "seconds", because "Less is no whole sentence.", tested by limits_are_kept;
    "The longest length that may be asked of a clip", MOST_CLIP_SECONDS: u32 = 180, "seconds", because "The longest that Shorts and Reels take.", tested by limits_are_kept;
    "The last second of a source that a submission may name", LATEST_SECOND: u32 = 86_400, "seconds", because "A day, longer than any source.", tested by limits_are_kept;
    "Topics of a submission", MOST_TOPICS: usize = 20, "topics", because "Each is compared with every sentence.", tested by limits_are_kept;
    "A topic", LONGEST_TOPIC: usize = 200, "characters", because "A topic is a few words, not a text.", tested by limits_are_kept;
    "An address of a source or a receiver", LONGEST_URL: usize = 2048, "bytes", because "What browsers and proxies carry; it stands in every record and event of the job.", tested by texts_stand_at_their_limits;
    "A back end's own name of a job or a user", LONGEST_LABEL: usize = 256, "bytes", because "It is an id in somebody's table; it stands in the record and in every callback.", tested by texts_stand_at_their_limits;
    "An idempotency key", LONGEST_KEY: usize = 255, "characters", because "What other services with such keys take; it is hashed and not kept.", tested by what_is_malformed_is_refused_and_nothing_written;
    "The body of a submission, and of a request about an upload", SUBMISSION_BYTES: usize = 64 * 1024, "bytes", because "Every field at its limit fits twice.", tested by bodies_stand_at_their_limits;

    // Plans and rendering
    "The body of an edited plan", PLAN_BYTES: usize = 256 * 1024, "bytes", because "A plan of thirty clips with all its evidence fits.", tested by bodies_stand_at_their_limits;
    "The number of a clip in a plan, plus one", MOST_CLIP_INDEX: u32 = 100, "clips", because "It stands in the names of files, and numbers may be left out; no planner counts that far.", tested by an_edited_plan_stands_at_its_limits;
    "The longest clip of an edited plan", LONGEST_CLIP_MS: u64 = 180_000, "milliseconds", because "The longest that a submission may ask for.", tested by an_edited_plan_stands_at_its_limits;
    "What is shown of a clip, at least", SHORTEST_CLIP_MS: u64 = 100, "milliseconds", because "One frame at ten a second.", tested by an_edited_plan_stands_at_its_limits;
    "Cuts in a clip of a plan", MOST_CUTS: usize = 500, "cuts", because "Nearly three a second in the longest clip; rendering them takes less than 0.8 GB.", tested by a_plan_with_as_many_cuts_as_there_may_be_stays_in_sync;

    // Texts that come from a source, a planner or a person
    "A title, of a source or a clip", LONGEST_TITLE: usize = 400, "bytes", because "Above the hundred characters that YouTube takes, in any script; with thirty clips at every limit the event fits.", tested by texts_of_others_stand_at_their_limits;
    "The summary or the reason of a clip", LONGEST_TEXT: usize = 1500, "bytes", because "Two long sentences; with thirty clips at every limit the event fits, also where JSON writes each character as two.", tested by texts_of_others_stand_at_their_limits;
    "What is said of a failure, or of a try of a delivery", LONGEST_MESSAGE: usize = 1000, "bytes", because "It is one line for a person; fifty tries stand in the record of a delivery.", tested by texts_of_others_stand_at_their_limits;
    "What a worker says it is doing", LONGEST_STEP: usize = 300, "bytes", because "It is one short line for a person.", tested by a_long_step_is_cut;
    "The name of a file that is uploaded", LONGEST_FILE_NAME: usize = 1024, "bytes", because "File systems take 255 characters.", tested by a_file_name_stands_at_its_limit;

    // Media: sizes, lengths, and what decoding may use
    "The file of a source", SOURCE_BYTES: u64 = 10 << 30, "bytes", because "Four hours at 1080 lines fit, and so does the disk of a task.", tested by the_limits_of_a_source_are_what_the_tool_has_by_default;
    "The length of a source", SOURCE_SECONDS: u64 = 4 * 3600, "seconds", because "The longest talk that is done within the time of an attempt.", tested by the_limits_of_a_source_are_what_the_tool_has_by_default;
    "The picture of a source, as stored and as shown", MOST_PIXELS: u64 = 7680 * 4320, "pixels", because "8K; a frame of it takes 50 to 200 MB while it is unpacked.", tested by a_picture_is_measured_as_stored_and_as_shown;
    "The shorter side of a picture", LEAST_SIDE_PX: u32 = 16, "pixels", because "Nothing can be seen in less.", tested by a_picture_is_measured_as_stored_and_as_shown;
    "How many times as long as wide a picture may be", MOST_OBLONG: u32 = 20, "times", because "The ground behind it is scaled to the clip's shorter side, so its longer side grows with this.", tested by a_picture_is_measured_as_stored_and_as_shown;
    "Streams of a source", MOST_STREAMS: usize = 32, "streams", because "Each is probed; films with many languages have about twenty.", tested by the_limits_of_a_source_are_what_the_tool_has_by_default;
    "Fetching a source", DOWNLOAD_SECONDS: u64 = 3600, "seconds", because "The largest source at 3 MB/s.", tested by the_limits_of_a_source_are_what_the_tool_has_by_default;
    "A server of a source that sends nothing", DOWNLOAD_SILENCE_SECONDS: u64 = 30, "seconds", because "It is gone by then.", tested by the_limits_of_a_source_are_what_the_tool_has_by_default;
    "A gap in the sound that is filled with silence; the sound ends at a longer one", LONGEST_GAP_SECONDS: u64 = 3600, "seconds", because "The silence is made at once, in 200 MB; a pause in a recording is shorter.", tested by sound_whose_clock_jumps_ends_at_the_jump;
    "The memory of ffmpeg and ffprobe, in data of one process", CHILD_BYTES: u64 = 4 << 30, "bytes", because "Half of a task's memory; the largest picture allowed takes less.", tested by a_program_has_the_memory_of_the_limit_and_no_more;
    "The memory of a program that reads a site's page, in data of one process", SITE_CHILD_BYTES: u64 = 2 << 30, "bytes", because "A page's scripts take a few hundred megabytes.", tested by a_program_has_the_memory_of_the_limit_and_no_more;
    "Time that a program of ffmpeg has, on top of that for its input", CHILD_SECONDS: u64 = 300, "seconds", because "To open the largest file on a busy machine.", tested by a_program_has_the_time_of_its_source_and_no_more;
    "Time that it has for each second of picture", CHILD_SECONDS_OF_PICTURE: u64 = 120, "seconds", because "8K is unpacked and composed at a frame in two seconds on the slowest machines.", tested by a_program_has_the_time_of_its_source_and_no_more;
    "Time that it has for each second of sound", CHILD_SECONDS_OF_SOUND: u64 = 10, "seconds", because "It waits for the recogniser, which takes a second or two for it on the slowest machines.", tested by a_program_has_the_time_of_its_source_and_no_more;
    "What is kept of a program's standard error", STDERR_BYTES: usize = 16 << 10, "bytes", because "The reason is in its last lines.", tested by only_the_end_of_a_long_standard_error_is_kept;
    "The description of a site's page", PAGE_BYTES: u64 = 64 << 20, "bytes", because "Those of the largest sites take about 1 MB.", tested by a_description_stands_at_its_limit;
    "An attempt of a job", ATTEMPT_SECONDS: u64 = 350 * 60, "seconds", because "Ten minutes before Step Functions gives it up without a word to the task.", tested by an_attempt_ends_at_its_limit;
    "A stage of an attempt that stands still", STALL_SECONDS: u64 = 15 * 60, "seconds", because "Longer than any step without news takes on a busy machine.", tested by a_stage_is_stuck_only_when_nothing_moves;
    "An answer of a language model", ANSWER_BYTES: usize = 1 << 20, "bytes", because "Fifty clips with their words take 50 KB.", tested by an_endless_answer_ends_at_the_limit_of_time_or_size;
    "The title of a clip by a language model", LONGEST_PROPOSED_TITLE: usize = 80, "characters", because "It is shown in one line; a longer one is cut.", tested by texts_of_a_model_stand_at_their_limits;
    "The summary or the reason of a clip by a language model", LONGEST_PROPOSED_TEXT: usize = 400, "characters", because "Two sentences; a longer one is cut.", tested by texts_of_a_model_stand_at_their_limits;
    "Clips of an answer of a language model", MOST_PROPOSED: usize = 50, "clips", because "Each is looked for in the transcript; more than a job may have are never used.", tested by no_more_clips_of_an_answer_are_looked_at_than_the_limit;

    "What a server of a source must send, over any half minute", LEAST_BYTES_PER_SECOND: u64 = 1 << 10, "bytes a second", because "A tenth of this is no download but a trap that holds a task for its hour.", tested by a_server_that_drips_is_given_up;
    "Redirects that are followed to a source", MOST_REDIRECTS: usize = 10, "redirects", because "Half of what browsers follow; each is looked at like the first address.", tested by a_redirect_to_a_file_or_without_end_is_refused;
    "How long a source's `Retry-After` is waited for", DOWNLOAD_RETRY_AFTER_S: u64 = 600, "seconds", because "The worker is paid for while it waits, and a stage that stands still for a quarter of an hour is given up.", tested by a_server_that_asks_to_wait_is_waited_for_if_it_is_not_long;

    // Captions and transcripts
    "Size of a site's caption file", MOST_CAPTION_BYTES: usize = 8 << 20, "bytes", because "Four hours of captions that roll up word by word have about half of it; a larger file is not used, and the sound is listened to.", tested by a_caption_file_at_the_limit_of_bytes_is_read_and_a_larger_one_is_not;
    "Captions in a site's caption file", MOST_CAPTION_CUES: usize = 100_000, "captions", because "Seven a second for four hours, more than one for each word; a file with more is not used.", tested by a_file_at_the_limit_of_cues_is_read_and_a_longer_one_is_not;
    "Lines of one caption", MOST_CAPTION_LINES: usize = 100, "lines", because "People read two or three; a file with more in one is not used.", tested by a_cue_at_the_limit_of_lines_is_read_and_a_longer_one_is_not;
    "Words, or sentences, of a transcript for each minute of the source", MOST_WORDS_PER_MINUTE: u64 = 1000, "a minute", because "The fastest speakers say about 600; more is no speech, and planning it would cost time and memory for nothing.", tested by a_transcript_at_the_limit_of_words_a_minute_is_speech_and_a_faster_one_is_not;

    // Records, events and pages
    "The id of a job, an upload or a message", LONGEST_ID: usize = 64, "characters", because "It stands in keys, headers and names of executions; a UUID has 36.", tested by ids_mean_nothing_to_a_path;
    "The body of an event", EVENT_BYTES: usize = 256 * 1024, "bytes", because "A job of thirty clips with all its texts fits.", tested by a_body_has_a_limit_whoever_sends_it;
    "How long a receiver of the worker's events may ask it to wait", EVENT_RETRY_AFTER_S: u64 = 600, "seconds", because "The worker is paid for while it waits; the outcome that it has written says the same as the event.", tested by a_wish_to_wait_is_kept_as_seconds_or_date_up_to_its_limit;
    "Jobs of one part of a list", MOST_LISTED: usize = 100, "jobs", because "A part is read and answered within the time and size of a function's answer.", tested by a_list_is_given_in_parts_newest_first_and_by_status;
    "A part of a list of jobs or deliveries", LISTED_BYTES: usize = 2 << 20, "bytes", because "Lambda's answer has 6 MB, in which this text stands as a text once more: each quotation mark becomes two characters, one within a text four.", tested by parts_of_a_list_end_by_their_bytes;
    "Jobs that a connection subscribes to by name", MOST_NAMED_JOBS: usize = 100, "jobs", because "They stand in one item; whoever wants more subscribes to all.", tested by a_connection_names_a_hundred_jobs_at_most;
    "A message of a client over the WebSocket", CLIENT_MESSAGE_BYTES: usize = 4096, "bytes", because "It names one job.", tested by a_client_message_stands_at_its_limit;
    "Connections of an owner to the WebSocket that are open at the same time", MOST_CONNECTIONS: u32 = 50, "connections", because "More tabs than anybody has open; all of them are told at once, and those that take nothing hold the others up for seconds only.", tested by connections_stand_at_their_limit;
    "A message to a client over the WebSocket", TOLD_BYTES: usize = 120 * 1024, "bytes", because "API Gateway takes 128 KB.", tested by a_snapshot_at_every_limit_fits_a_message;
    "How far the time of a signature may be off", TOLERANCE_S: u64 = 300, "seconds", because "What Standard Webhooks asks for: clocks differ, and an old message is no news.", tested by five_minutes_are_tolerated_and_not_a_second_more;
    "Signatures of a message that are looked at", MOST_SIGNATURES: usize = 16, "signatures", because "One for each secret while secrets are changed; every one costs a hash of the body.", tested by one_of_several_signatures_is_enough_and_unknown_schemes_are_passed_over;
    "Messages without a place in an attempt that a job remembers of ten minutes", MOST_MESSAGE_IDS: usize = 500, "messages", because "A report every two seconds makes 300; three such sets stand in the record, with 57 KB at most.", tested by what_is_remembered_has_a_limit_and_ends_are_taken_beyond_it;

    // Callbacks, uploads and shares
    "Addresses of an owner that are remembered for wanting no callbacks any more", MOST_DISABLED: u32 = 100, "addresses", because "Each is 32 digits in one record; one more is asked again with each delivery.", tested by addresses_that_want_nothing_are_remembered_up_to_a_limit;
    "Secrets that sign callbacks beside the current one", MOST_PREVIOUS_SECRETS: usize = 5, "secrets", because "Every one adds a signature to a header.", tested by every_secret_of_the_last_day_signs;
    "Jobs of an owner whose callbacks are delivered at the same time", MOST_DELIVERIES_AT_ONCE: u32 = 10, "jobs", because "A hundredth of what an account's functions may do at once: slow receivers of one owner hold nobody else up.", tested by an_owner_never_has_more_than_its_places;
    "Uploads of an owner that are under way at the same time", MOST_OPEN_UPLOADS: u32 = 20, "uploads", because "As many as jobs under way; each may hold gigabytes that nobody has paid for.", tested by as_many_uploads_are_under_way_as_there_may_be;
    "The title of an upload", LONGEST_UPLOAD_TITLE: usize = 200, "characters", because "It stands in the record and in every event; a file's name is longer at most by its ending.", tested by the_title_of_an_upload_is_cut;
    "How long an upload is under way after its last request for links", UPLOAD_IDLE_S: u32 = 7200, "seconds", because "A link for a part holds for an hour.", tested by an_upload_that_was_left_makes_room;
    "How long the last good keys and secrets serve when they cannot be read anew", LAST_GOOD_S: u64 = 900, "seconds", because "Long enough for most failures of Secrets Manager, short enough for one that was taken back.", tested by keys_that_cannot_be_read_anew_serve_for_a_while;
    "How long a receiver's `Retry-After` may put a callback off", LONGEST_RETRY_AFTER_S: u64 = 36_000, "seconds", because "The longest pause between two tries; a receiver that asks for more is asked after it.", tested by pauses_grow_and_end_and_a_receiver_may_ask_for_longer;
    "What is read of a receiver's answer", RECEIVER_ANSWER_BYTES: usize = 16 * 1024, "bytes", because "Only its status counts; what is short is read so that the connection can be used again.", tested by a_long_answer_is_read_no_further_than_needed;
    "Tries of a delivery that are kept", MOST_TRIES: usize = 50, "tries", because "All tries of six replays; the record of a delivery stays small.", tested by only_the_newest_tries_are_kept;
    "The body of a test of a callback", CALLBACK_TEST_BYTES: usize = 16 * 1024, "bytes", because "It names one address.", tested by bodies_stand_at_their_limits;
    "The largest upload, where the deployment sets no other", UPLOAD_BYTES: u64 = 5_000_000_000, "bytes", because "Two hours at 1080 lines; the worker copies it in one call, which takes 5 GiB.", tested by the_default_size_of_an_upload_is_that_of_the_template;
    "Every part of an upload but the last", PART_BYTES: u64 = 16 << 20, "bytes", because "A part that breaks off is sent again in seconds, and the largest upload has a few hundred; S3 takes none below 5 MiB.", tested by parts_stand_at_their_limits;
    "How long an upload can be used after it was begun", UPLOAD_USABLE_S: i64 = 2 * 24 * 3600, "seconds", because "The bucket's lifecycle then removes what is not complete.", tested by an_upload_can_be_used_for_two_days;
    "How long the record of an upload is kept", UPLOAD_KEPT_S: i64 = 12 * 24 * 3600, "seconds", because "It says which jobs use the object, and outlives it: two days until it is complete, seven in the bucket, and up to two until its lifecycle gets to it.", tested by the_record_of_an_upload_outlives_its_object;
    "Jobs that are made from one upload", MOST_JOBS_OF_UPLOAD: u32 = 100, "jobs", because "They stand in its record; other options for the same video are tried a few times.", tested by jobs_of_an_upload_stand_at_their_limit;
    "Parts of an upload that are linked at once", MOST_LINKED_PARTS: usize = 100, "parts", because "Each link is signed on its own, and the answer stays small.", tested by parts_stand_at_their_limits;
    "Parts of an upload", MOST_PARTS: usize = 10_000, "parts", because "What S3 takes.", tested by parts_stand_at_their_limits;
    "The body that completes an upload", PARTS_BYTES: usize = 1 << 20, "bytes", because "It names every part.", tested by bodies_stand_at_their_limits;
}
