//! The arguments as typed. Numbers are checked where they are read, combinations in the commands.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use mirrorflow::integrate::Method;
use mirrorflow::kernels::device::Device;
use mirrorflow::schedule::Schedule;

/// The implicit bias of reparameterized gradient flow, x = m⊙w: simulate it, find its limit,
/// certify it, check the theorems.
#[derive(Debug, Parser)]
#[command(name = "mirrorflow", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check every claim, as printed and as it holds
    Verify(VerifyArgs),
    /// The limit argmin R_a(x) s.t. Zx = y and the L1 minimum, with certificates
    Solve(SolveArgs),
    /// The whole path from L2 to L1 over log a
    Path(PathArgs),
    /// One trajectory of the flow
    Flow(FlowArgs),
    /// Gradient descent or SGD on m and w
    Descend(DescendArgs),
    /// The paper's figures and more, with their data: SVG, PDF, PNG, CSV, npz and a page
    Figures(FiguresArgs),
    /// A deep network with x = m⊙w or one of its rivals
    Train(TrainArgs),
    /// What this machine offers: threads, SIMD, GPUs, or what a GPU would need
    Devices(DevicesArgs),
}

/// Where the flow starts, and the weight decay α(t).
#[derive(Debug, Args)]
pub(crate) struct StartArgs {
    /// Scale β = m₀² − w₀² > 0 of a start m₀ = √β, w₀ = 0 [default: m0, w0 of the file, else 1]
    #[arg(long, value_name = "B", value_parser = positive, allow_hyphen_values = true)]
    pub(crate) beta: Option<f64>,
    /// Weight decay α(t): none, constant:c, harmonic:c, quadratic:c, geometric:c,r, switch:c,T or
    /// piecewise:t0=c0,t1=c1,... [default: none]
    #[arg(long, value_name = "S", value_parser = schedule)]
    pub(crate) schedule: Option<Schedule>,
}

/// Where a batch runs.
#[derive(Debug, Args)]
pub(crate) struct DeviceArgs {
    /// auto, cpu or cuda:N; `mirrorflow devices` lists them
    #[arg(long, value_name = "D", default_value_t = Device::Auto, value_parser = device)]
    pub(crate) device: Device,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mirrorflow verify\n  mirrorflow verify --list\n  mirrorflow verify thm-3.1 --quick --out report"
)]
pub(crate) struct VerifyArgs {
    /// Claims to check [default: all]
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// List the claims and stop
    #[arg(long)]
    pub(crate) list: bool,
    /// Study the questions the paper leaves open instead; `--out` saves every run as CSV
    #[arg(long, conflicts_with_all = ["list", "ids"])]
    pub(crate) open_questions: bool,
    /// Fewer and smaller instances: the whole table in under a minute
    #[arg(long, conflicts_with = "thorough")]
    pub(crate) quick: bool,
    /// A long search for counterexamples
    #[arg(long)]
    pub(crate) thorough: bool,
    /// Seed of the synthetic instances
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole, allow_hyphen_values = true)]
    pub(crate) seed: u64,
    /// Folder for report.html, report.json and report.tex
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mirrorflow solve data.npz\n  mirrorflow solve data.csv --schedule geometric:0.5,0.01 --out limit.npz\n  mirrorflow solve data.npz --log-a -500 --rigorous --json"
)]
pub(crate) struct SolveArgs {
    /// Problem file, .npz (Z, y, optional m0, w0) or .csv (y by its name, else the last column)
    pub(crate) file: PathBuf,
    /// Scale log a of the potential, in [-1e6, 50], tilt θ₀ = 0
    #[arg(long, value_name = "V", value_parser = log_a, allow_hyphen_values = true,
          conflicts_with_all = ["beta", "schedule"])]
    pub(crate) log_a: Option<f64>,
    #[command(flatten)]
    pub(crate) start: StartArgs,
    /// Only a proof will do: by intervals, or in exact arithmetic (about 30 s at most)
    #[arg(long)]
    pub(crate) rigorous: bool,
    /// Relative width of the bounds up to which the L1 minimum counts as known
    #[arg(long, value_name = "T", default_value = "1e-9", value_parser = positive, allow_hyphen_values = true)]
    pub(crate) tolerance: f64,
    /// Bound on the Newton steps of the limit
    #[arg(long, value_name = "K", default_value_t = 2000, value_parser = count::<u32>, allow_hyphen_values = true)]
    pub(crate) max_iterations: u32,
    /// File for the arrays x_limit, mu, log_a, x_l1, mu_l1, l1_lower, l1_upper, kkt_residual
    #[arg(long, value_name = "F.npz", value_parser = npz)]
    pub(crate) out: Option<PathBuf>,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  mirrorflow path data.npz --from 20 --to -200 --points 60 --out path.npz"
)]
pub(crate) struct PathArgs {
    /// Problem file, .npz or .csv
    pub(crate) file: PathBuf,
    /// First log a
    #[arg(long, value_name = "V", default_value_t = 20.0, value_parser = log_a, allow_hyphen_values = true)]
    pub(crate) from: f64,
    /// Last log a
    #[arg(long, value_name = "V", default_value_t = -200.0, value_parser = log_a, allow_hyphen_values = true)]
    pub(crate) to: f64,
    /// Number N of points, evenly spaced in log a
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = points, allow_hyphen_values = true)]
    pub(crate) points: u32,
    /// Bound on the Newton steps of each point
    #[arg(long, value_name = "K", default_value_t = 2000, value_parser = count::<u32>, allow_hyphen_values = true)]
    pub(crate) max_iterations: u32,
    /// File for the arrays log_a (N), x (N×n), l1, gap, converged (N), status; interrupted, what
    /// was reached
    #[arg(long, value_name = "F.npz", value_parser = npz)]
    pub(crate) out: PathBuf,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which system is integrated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// m and w, 2n unknowns
    Primal,
    /// ν, d unknowns
    Dual,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  mirrorflow flow data.npz --schedule geometric:0.5,1 --t-end 1000 --times 1,10,100 --out flow.npz"
)]
pub(crate) struct FlowArgs {
    /// Problem file, .npz or .csv
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) start: StartArgs,
    /// Times to record, increasing, separated by commas; the end is recorded too [default: 0 and 50
    /// times evenly spaced in log t over the last four decades]
    #[arg(long, value_name = "t1,t2,...", value_delimiter = ',', value_parser = nonnegative, allow_hyphen_values = true)]
    pub(crate) times: Vec<f64>,
    /// End time T [default: the last of --times, else 100]
    #[arg(long, value_name = "T", value_parser = positive, allow_hyphen_values = true)]
    pub(crate) t_end: Option<f64>,
    /// Integrate (m, w) or the d dual unknowns ν
    #[arg(long, value_enum, default_value_t = Form::Dual)]
    pub(crate) form: Form,
    /// auto, dopri5, tsit5, dop853, stabilized, switching, rosenbrock, bdf or tr-bdf2
    #[arg(long, default_value = "auto", value_parser = method)]
    pub(crate) method: Method,
    /// Relative tolerance of a step
    #[arg(long, default_value = "1e-8", value_parser = positive, allow_hyphen_values = true)]
    pub(crate) rtol: f64,
    /// Absolute tolerance of a step
    #[arg(long, default_value = "1e-12", value_parser = positive, allow_hyphen_values = true)]
    pub(crate) atol: f64,
    /// Stop where the loss is at most this
    #[arg(long, value_name = "V", value_parser = positive, allow_hyphen_values = true)]
    pub(crate) until_loss: Option<f64>,
    /// Stop where the KKT residual is at most this
    #[arg(long, value_name = "V", value_parser = positive, allow_hyphen_values = true)]
    pub(crate) until_kkt: Option<f64>,
    /// Largest number of steps, rejected ones included
    #[arg(long, value_name = "K", default_value_t = 1_000_000, value_parser = count::<u64>, allow_hyphen_values = true)]
    pub(crate) max_steps: u64,
    /// File for the arrays t (T), x (T×n), loss, l1 (T), log_a (T×n), status; interrupted, what was
    /// reached
    #[arg(long, value_name = "F.npz", value_parser = npz)]
    pub(crate) out: PathBuf,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  mirrorflow descend data.npz --step 0.01 --steps 10000 --batch 8 --seed 1 --out sgd.npz\n\n--device auto is the processor: one run does not fill a GPU. On cuda:N the batches are drawn by Philox, and log_a is not written."
)]
pub(crate) struct DescendArgs {
    /// Problem file, .npz or .csv
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) start: StartArgs,
    /// Step size η
    #[arg(long, value_name = "η", value_parser = positive, allow_hyphen_values = true)]
    pub(crate) step: f64,
    /// Number of steps K; step k is at time kη
    #[arg(long, value_name = "K", value_parser = count::<u64>, allow_hyphen_values = true)]
    pub(crate) steps: u64,
    /// Samples of a batch [default: all, which is gradient descent]
    #[arg(long, value_name = "b", value_parser = count::<usize>, allow_hyphen_values = true)]
    pub(crate) batch: Option<usize>,
    /// Seed of the batches
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole, allow_hyphen_values = true)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    /// Record every so many steps; 0 records start and end only [default: a hundredth of --steps]
    #[arg(long, value_name = "J", value_parser = whole, allow_hyphen_values = true)]
    pub(crate) record_every: Option<u64>,
    /// File for the arrays t (T), x (T×n), loss, l1 (T), log_a (T×n), status; interrupted, what was
    /// reached
    #[arg(long, value_name = "F.npz", value_parser = npz)]
    pub(crate) out: PathBuf,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  mirrorflow train experiments/digits/pilot.toml --out runs/pilot\n\nOn --device a network trains on one device, auto is the first CUDA device that works, else the processor; the runs of a study have it one after another."
)]
pub(crate) struct TrainArgs {
    /// Configuration of a run, or of a study ([study] and several [[method]]), TOML
    pub(crate) config: PathBuf,
    /// Folder of the data set [default: data.folder of the configuration]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Folder for metrics, checkpoints and tables
    #[arg(long, value_name = "DIR", default_value = "run")]
    pub(crate) out: PathBuf,
    /// Go on from the last checkpoint in --out
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) resume: bool,
    /// Check everything, print shapes, parameters, memory and an estimate of the time, and stop
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  mirrorflow devices --json")]
pub(crate) struct DevicesArgs {
    /// Print one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

/// The width of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Width {
    /// 3.25 in
    One,
    /// 6.75 in
    Two,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  mirrorflow figures --out figures\n  mirrorflow figures fig1a fig4 --column two --out figures\n  mirrorflow figures sparsity --from my-data --out figures\n\nOn --device the gradient descents of fig1a, fig1b, fig4 and fig5 run; auto is every CUDA device that works, else the processor."
)]
pub(crate) struct FiguresArgs {
    /// Figures to draw [default: all that are simulated; with --from, all whose data are there]
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// List the figures and stop
    #[arg(long)]
    pub(crate) list: bool,
    /// Draw from NAME.npz or NAME.csv in this folder instead of simulating
    #[arg(long, value_name = "DIR", conflicts_with_all = ["seed", "quick", "list", "device"])]
    pub(crate) from: Option<PathBuf>,
    /// Folder for the pictures, their data and figures.html
    #[arg(long, value_name = "DIR", default_value = "figures")]
    pub(crate) out: PathBuf,
    /// Seed of problems, starts and batches
    #[arg(long, value_name = "S", default_value_t = 0, value_parser = whole, allow_hyphen_values = true)]
    pub(crate) seed: u64,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
    /// Width: one column or two [default: what each figure is made for]
    #[arg(long, value_enum)]
    pub(crate) column: Option<Width>,
    /// Small and short runs, to try things out: the figures show less than they should
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

fn number(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        _ => Err("expected a finite number".into()),
    }
}

/// A whole number from 1, of an unsigned type.
fn count<N: TryFrom<u128>>(text: &str) -> Result<N, String> {
    let expected = "expected a whole number of 1 or more";
    let read = text.trim().parse().ok().filter(|v: &u128| *v >= 1).ok_or(expected)?;
    let digits = (u128::MAX >> (128 - 8 * size_of::<N>())).ilog10();
    N::try_from(read).map_err(|_| format!("{expected} with at most {digits} digits"))
}

fn whole(text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| "expected a whole number of 0 or more".into())
}

fn points(text: &str) -> Result<u32, String> {
    let read = text.trim().parse().ok().filter(|v| (2..=1_000_000).contains(v));
    read.ok_or_else(|| "expected a whole number from 2 to 1000000".into())
}

fn positive(text: &str) -> Result<f64, String> {
    number(text).and_then(|v| if v > 0.0 { Ok(v) } else { Err("expected a number > 0".into()) })
}

fn nonnegative(text: &str) -> Result<f64, String> {
    number(text).and_then(|v| if v >= 0.0 { Ok(v) } else { Err("expected a number >= 0".into()) })
}

fn log_a(text: &str) -> Result<f64, String> {
    let expected = || "expected a number in [-1e6, 50]".to_string();
    number(text).and_then(|v| if (-1e6..=50.0).contains(&v) { Ok(v) } else { Err(expected()) })
}

fn schedule(text: &str) -> Result<Schedule, String> {
    text.parse().map_err(|e: mirrorflow::Error| e.to_string())
}

fn method(text: &str) -> Result<Method, String> {
    text.parse().map_err(|e: mirrorflow::Error| e.to_string())
}

fn device(text: &str) -> Result<Device, String> {
    text.parse().map_err(|e: mirrorflow::Error| e.to_string())
}

fn npz(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("npz")) {
        Ok(path)
    } else {
        Err("expected a file name that ends in .npz".into())
    }
}
