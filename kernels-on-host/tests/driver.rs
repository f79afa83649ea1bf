//! What the code that drives a GPU does when the driver refuses: on the simulated device, which can be made to.

use mirrorflow::{
    Result,
    kernels::{
        array::{Array, Home},
        device::{Call, Failure, Launch, Machine, Session, Tried, long},
        network::{
            convolution,
            linear::{self, Linear},
        },
    },
};
use mirrorflow_kernels_on_host::simulated::Simulated;

fn said<T>(result: Tried<T>) -> String {
    match result {
        Ok(_) => "nothing".into(),
        Err(Failure::Memory(bytes)) => format!("no room for {bytes}"),
        Err(Failure::Other(error)) => error.to_string(),
    }
}

/// [1 2 3; 4 5 6] turned over by the kernel of convolutions.
fn turned(session: &mut dyn Session) -> Tried<Vec<f64>> {
    let mut call = Call::new(session);
    let from = call.upload(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?;
    let to = call.zeros(48)?;
    let launch = Launch { grid: 2, block: 32, shared: 0 };
    let arguments = [long(2), long(3), from.into(), to.into()];
    // SAFETY: the arguments of the kernel; both arrays have six numbers.
    unsafe { call.launch(&convolution::SOURCE, "turn_f64", launch, &arguments)? };
    call.download(to, 6)
}

/// One test: what the driver is made to do holds for the process.
#[test]
fn refusals_are_told_or_got_around() -> Result<()> {
    let Some(simulated) = Simulated::open() else { return Ok(()) };
    let right = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0];
    let wrong = |failure: Failure| panic!("{}", said(Err::<(), _>(failure)));

    // A driver older than NVRTC gets instructions; one that takes neither is told apart.
    for (how, works) in [(0, true), (1, true), (2, false)] {
        simulated.make_old(how);
        let mut session = simulated.machine().open()?;
        let found = turned(session.as_mut());
        if works {
            assert_eq!(found.unwrap_or_else(wrong), right);
        } else {
            let said = said(found);
            assert!(said.contains("takes neither PTX nor binaries of NVRTC 12.8"), "{said}");
        }
    }
    simulated.make_old(0);

    // A session goes from thread to thread.
    let machine = simulated.machine();
    let mut session = machine.open()?;
    let found = std::thread::scope(|scope| scope.spawn(|| turned(session.as_mut())).join());
    assert_eq!(found.expect("no panic").unwrap_or_else(wrong), right);
    assert_eq!(turned(session.as_mut()).unwrap_or_else(wrong), right);

    // Too much memory: smaller pieces may fit, so it is a failure of its own. After it all is as before.
    let free = machine.free_memory()?;
    assert_eq!(said(session.zeros(free + 1)), format!("no room for {}", free + 1));
    assert_eq!(machine.free_memory()?, free);

    // Copies beyond the end, memory given back, kernels that are not there.
    let memory = session.zeros(16).unwrap_or_else(|f| panic!("{}", said(Err::<(), _>(f))));
    let said_of = said(session.read(memory, 8, &mut [0; 16]));
    assert!(said_of.contains("16 bytes from 8 on, of 16"), "{said_of}");
    let said_of = said(session.write(memory, 17, &[]));
    assert!(said_of.contains("0 bytes from 17 on, of 16"), "{said_of}");
    let launch = Launch { grid: 1, block: 32, shared: 0 };
    // SAFETY: there is no such kernel.
    let said_of = said(unsafe { session.launch(&convolution::SOURCE, "turns_f64", launch, &[]) });
    assert!(said_of.contains("finding a kernel"), "{said_of}");

    // A library is closed before its stream, and by a thread that never used the device.
    let home = Home::on(&machine)?;
    let layer = Linear { inputs: 2, outputs: 1 };
    let (x, mut y) = (Array::from_slice(&home, &[1.0, 2.0])?, Array::zeros(&home, 1)?);
    let w = Array::from_slice(&home, &[10.0, 100.0])?;
    linear::forward(&layer, x.view(), w.view(), None, y.view_mut())?;
    assert_eq!(y.to_vec()?, [210.0]);
    assert_eq!(simulated.count("simulated_products"), 1);
    let all = (home, x, w, y);
    std::thread::spawn(move || drop(all)).join().expect("no panic");
    assert_eq!(simulated.count("simulated_faults"), 0);
    assert_eq!(machine.free_memory()?, free - 16, "all but the 16 bytes above is free again");
    Ok(())
}
