//! Plans a transcript, to evaluate the scorer: `plan MODEL_DIR transcript.json plan.json`.

use std::{error::Error, path::Path};

use domain::{ClipOptions, Transcript};
use highlights::{Embedder, plan};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [models, transcript, out] = args.as_slice() else {
        return Err("usage: plan MODEL_DIR transcript.json plan.json".into());
    };
    let transcript = Transcript::from_json(&std::fs::read(transcript)?)?;
    let embedder = Embedder::load(Path::new(models))?;
    let plan = plan(&transcript, None, &ClipOptions::default(), &embedder)?;
    std::fs::write(out, serde_json::to_vec_pretty(&plan)?)?;
    Ok(())
}
