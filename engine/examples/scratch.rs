#![allow(missing_docs, clippy::all, clippy::unwrap_used, clippy::print_stdout)]
use unplug::device::*;
use unplug::history::WayEvent;
use unplug::schedule::Schedule;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let text = std::fs::read_to_string(&args[1]).unwrap();
    let scenario = unplug::scenario::parse(&text).unwrap_or_else(|d| panic!("{d:#?}"));
    for s in Schedule::ALL {
        let t = match unplug::stack::run(&scenario, s) {
            Ok(t) => t,
            Err(e) => {
                println!("ERR {e}");
                continue;
            }
        };
        std::fs::write(format!("/tmp/out-{s}-base.img"), t.base.to_bytes()).unwrap();
        println!("==== {s}");
        for (i, st) in t.history.steps.iter().enumerate() {
            println!("{i}: {} -> {:?}", scenario.steps[i].text, st.returned);
            if args.len() > 2 {
                for (d, e) in st.way.events() {
                    match e {
                        WayEvent::Function(f) => println!("    {}{f}", "  ".repeat(*d as usize)),
                        WayEvent::Decision(f) => println!("    {}# {f}", "  ".repeat(*d as usize)),
                        WayEvent::Request(r) => {
                            let q = t.log.request(*r);
                            println!(
                                "    {}=> {} {}",
                                "  ".repeat(*d as usize),
                                match &q.op {
                                    Op::Flush => "FLUSH".into(),
                                    Op::Write { lba, data, fua } => format!(
                                        "W lba {lba} +{} {}",
                                        data.len() / 512,
                                        if *fua { "FUA" } else { "" }
                                    ),
                                },
                                q.cause.why
                            )
                        }
                    }
                }
            }
        }
        let mut img = t.base.clone();
        for r in t.log.requests() {
            if let Op::Write { lba, data, .. } = &r.op {
                img.write(*lba, data);
            }
        }
        std::fs::write(format!("/tmp/out-{s}-full.img"), img.to_bytes()).unwrap();
    }
}
