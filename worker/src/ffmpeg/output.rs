//! What a program writes, together with how it ends: one that failed is never taken for one that had no more to say.

use std::{
    fs::File,
    io::{self, Read},
    pin::Pin,
    sync::mpsc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, ReadBuf},
    process::ChildStdout,
    task::JoinHandle,
};

use super::command::{CallError, Running};

/// The end of a program: what it said on standard error, or why it failed.
type End = Pin<Box<dyn Future<Output = Result<String, CallError>> + Send>>;

/// What a program writes. Reading comes to an end only if the program did well; of one that failed it gives an error, which
/// becomes its [`CallError`] again.
pub(crate) struct Output {
    stdout: ChildStdout,
    end: Option<End>,
    said: Option<String>,
}

impl Output {
    pub(super) fn new(stdout: ChildStdout, running: Running) -> Self {
        Self {
            stdout,
            end: Some(Box::pin(running.finish())),
            said: None,
        }
    }

    /// Waits for the end, passing over what was not read, and gives what the program said on standard error.
    ///
    /// # Errors
    /// When it failed.
    pub(crate) async fn finish(mut self) -> Result<String, CallError> {
        // a program that nobody reads would wait for ever
        tokio::io::copy(&mut self, &mut tokio::io::sink()).await?;
        Ok(self.said.unwrap_or_default())
    }

    /// The same for a reader on a thread of its own, and the end for who waits here.
    ///
    /// # Errors
    /// When the pipe cannot be handed over.
    pub(crate) fn for_thread(self) -> Result<(ThreadOutput, Ending), CallError> {
        let pipe = File::from(self.stdout.into_owned_fd()?);
        let (tell, has_ended) = mpsc::channel();
        let broken = || io::Error::from(io::ErrorKind::BrokenPipe);
        let end = self.end.ok_or_else(broken)?;
        let task = tokio::spawn(async move {
            let ended = end.await;
            // the reader may have had enough
            let _ = tell.send(ended.is_ok());
            ended
        });
        let output = ThreadOutput { pipe, has_ended };
        Ok((output, Ending(task)))
    }
}

impl AsyncRead for Output {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        ready!(Pin::new(&mut self.stdout).poll_read(context, buffer))?;
        let is_end = buffer.filled().len() == filled && buffer.remaining() > 0;
        if is_end && self.said.is_none() {
            // whoever reads on after the failure is not told of an end either
            let end = self.end.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
            let ended = ready!(end.as_mut().poll(context));
            self.end = None;
            self.said = Some(ended.map_err(io::Error::other)?);
        }
        Poll::Ready(Ok(()))
    }
}

/// What a program writes, for a reader that may wait. Its end is an error if the program failed, whose reason [`Ending`] has.
#[derive(Debug)]
pub(crate) struct ThreadOutput {
    pipe: File,
    has_ended: mpsc::Receiver<bool>,
}

impl Read for ThreadOutput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.pipe.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        // nobody tells any more once the end was told, or the whole was given up
        match self.has_ended.recv() {
            Ok(true) => Ok(0),
            Ok(false) => Err(io::Error::other("the program failed")),
            Err(mpsc::RecvError) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

/// The end of a program whose output somebody else reads. Dropped, it ends the program.
#[derive(Debug)]
pub(crate) struct Ending(JoinHandle<Result<String, CallError>>);

impl Ending {
    /// Waits for it, and gives what the program said on standard error.
    ///
    /// # Errors
    /// When it failed.
    pub(crate) async fn finish(mut self) -> Result<String, CallError> {
        (&mut self.0)
            .await
            .map_err(|why| io::Error::other(why.to_string()))?
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use tokio::io::AsyncReadExt;

    use super::*;
    use crate::ffmpeg::command::{Arguments, start};

    fn shell(script: &str) -> Output {
        let args = Arguments::new().arg("-c").arg(script);
        start(Path::new("/bin/sh"), &args, None, Duration::from_secs(30)).unwrap()
    }

    #[tokio::test]
    async fn the_end_of_a_program_that_did_well_is_an_end() {
        let mut output = shell("echo said >&2; echo written");
        let mut written = String::new();
        output.read_to_string(&mut written).await.unwrap();
        assert_eq!(written, "written\n");
        assert_eq!(output.read(&mut [0; 8]).await.unwrap(), 0, "and stays one");
        assert_eq!(output.finish().await.unwrap(), "said\n");
    }

    #[tokio::test]
    async fn the_end_of_a_program_that_failed_is_its_reason() {
        let mut output = shell("echo why >&2; echo written; exit 1");
        let mut written = Vec::new();
        let why = output.read_to_end(&mut written).await.unwrap_err();
        assert_eq!(written, b"written\n");
        assert_eq!(CallError::from(why).to_string(), "why");
        assert!(output.read(&mut [0; 8]).await.is_err(), "and no end");
        let why = shell("echo why >&2; exit 1").finish().await.unwrap_err();
        assert_eq!(why.to_string(), "why");
    }

    #[tokio::test]
    async fn a_thread_hears_of_a_failure_before_the_end() {
        for (script, is_well) in [
            ("echo x", true),
            ("echo x; exit 1", false),
            ("kill -SEGV $$", false),
        ] {
            let (mut output, ending) = shell(script).for_thread().unwrap();
            let mut written = Vec::new();
            let read = tokio::task::spawn_blocking(move || output.read_to_end(&mut written));
            assert_eq!(read.await.unwrap().is_ok(), is_well, "{script}");
            assert_eq!(ending.finish().await.is_ok(), is_well, "{script}");
        }
    }

    #[tokio::test]
    async fn a_thread_whose_program_is_given_up_is_not_told_of_an_end() {
        let (mut output, ending) = shell("sleep 60").for_thread().unwrap();
        let read = tokio::task::spawn_blocking(move || output.read_to_end(&mut Vec::new()));
        drop(ending);
        assert!(read.await.unwrap().is_err());
    }
}
