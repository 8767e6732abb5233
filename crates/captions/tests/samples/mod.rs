//! Short talks in several scripts, with word times.

use domain::Word;

/// Name, language and space-separated words of each sample.
pub(crate) const SAMPLES: [(&str, &str, &str); 10] = [
    (
        "english",
        "en",
        "Most people quit , right before it works . And honestly ? I nearly did too , twice in 2019 .",
    ),
    (
        "german",
        "de",
        "Die Donaudampfschifffahrtsgesellschaftskapitänswitwe mag Geschwindigkeitsbegrenzungen auf https://www.example.org/eine/sehr/lange/adresse/ohne/ende nicht .",
    ),
    (
        "arabic",
        "ar",
        "هل تعلم أن أكثر الناس يتوقفون قبل النجاح بقليل ؟ جرّب WhatsApp اليوم !",
    ),
    (
        "hebrew",
        "he",
        "רוב האנשים מפסיקים רגע לפני ההצלחה , וגם Google ידעה את זה בשנת 2019 !",
    ),
    (
        "chinese",
        "zh",
        "大 多数 人 都 在 成功 之前 放弃 了 。 这 是 我 学到 的 最 重要 的 一 课 ！",
    ),
    (
        "japanese",
        "ja",
        "ほとんど の 人 は 成功 する 直前 に 諦めて しまい ます 。 これ は 本当 に 大切 な こと です 。",
    ),
    (
        "korean",
        "ko",
        "대부분의 사람들은 성공하기 직전에 포기합니다 . 저도 거의 그럴 뻔했어요 !",
    ),
    (
        "hindi",
        "hi",
        "ज़्यादातर लोग सफलता से ठीक पहले हार मान लेते हैं । मैंने भी लगभग यही किया !",
    ),
    ("thai", "th", "คน ส่วน ใหญ่ ยอม แพ้ ก่อน ที่ จะ สำเร็จ เสมอ ครับ"),
    (
        "odd",
        "en",
        r"Emoji 🚀 here 👩‍👩‍👧 and {\b1}braces{\fs200} or C:\New\hack 100% Привет Ελλάδα <i>tags</i>",
    ),
];

/// The words of a text: 300 ms each, 40 ms apart, with a pause after each sentence.
pub(crate) fn timed(text: &str) -> Vec<Word> {
    let mut at_ms = 200;
    let mut words = Vec::new();
    for text in text.split(' ') {
        words.push(Word {
            text: text.into(),
            start_ms: at_ms,
            end_ms: at_ms + 300,
            confidence: 1.0,
        });
        at_ms += if text.ends_with(['.', '?', '!']) {
            900
        } else {
            340
        };
    }
    words
}
