use ablate::{figure, spec, table};
use polars::prelude::*;
use std::path::Path;

fn spec_of(text: &str) -> spec::Figure {
    toml::from_str(text).unwrap()
}
struct Rng(u64);
impl Rng {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) as f64) / (1u64 << 31) as f64
    }
}

fn go(text: &str, df: &DataFrame) {
    let s = spec_of(text);
    let t = std::time::Instant::now();
    match figure::draw(&s, df, Path::new("/tmp/draw_look"), &[spec::ImageFormat::Svg, spec::ImageFormat::Png]) {
        Ok(d) => println!(
            "{} {:?} {:?} svg {} KB",
            s.name,
            t.elapsed(),
            d.notes,
            std::fs::metadata(&d.files[0]).unwrap().len() / 1024
        ),
        Err(e) => println!("{e}"),
    }
}

fn main() {
    let mut r = Rng(7);
    let ops = ["/", "+", "*", "-"];
    let acc = df!("operator" => ops, "rate" => [0.958, 0.998, 0.973, 0.991], "low" => [0.94, 0.99, 0.955, 0.98], "high" => [0.972, 1.0, 0.985, 0.997], "n"=>[500i64;4]).unwrap();
    go(
        "name='bars1'\nkind='bars'\nfrom='a'\nx='operator'\ny='rate'\nband=['low','high']\ntitle='Accuracy by operator'\nx_title='Operator'\ny_title='Accuracy (share of prompts)'",
        &acc,
    );
    let mut m = vec![];
    let mut o = vec![];
    let mut y = vec![];
    let mut l = vec![];
    let mut h = vec![];
    for model in ["Llama3-8B", "Llama3-70B", "Pythia-6.9B", "SmolLM2-135M-Instruct (Q4_1, few-shot)"] {
        for op in ops {
            m.push(model);
            o.push(op);
            let v = 0.2 + 0.75 * r.next();
            y.push(v);
            l.push(v - 0.05);
            h.push(v + 0.04);
        }
    }
    let g = df!("model"=>&m, "operator"=>&o, "rate"=>&y, "lo"=>&l, "hi"=>&h).unwrap();
    go(
        "name='bars2'\nkind='bars'\nfrom='a'\nx='model'\ny='rate'\nseries='operator'\nband=['lo','hi']\ntitle='Accuracy'\nx_title='Model'\ny_title='Accuracy'",
        &g,
    );
    go(
        "name='bars3'\nkind='bars'\nfrom='a'\nx='operator'\ny='rate'\nseries='model'\nband=['lo','hi']\nfacet='model'",
        &g,
    );
    let (mut la, mut hd, mut ef) = (vec![], vec![], vec![]);
    for layer in 0..30i64 {
        for head in 0..9i64 {
            if layer == 7 && head == 3 {
                continue;
            }
            la.push(layer);
            hd.push(head);
            ef.push(r.next().powi(12) * 200.0);
        }
    }
    let e = df!("layer"=>&la,"head"=>&hd,"mean"=>&ef).unwrap();
    go(
        "name='heads'\nkind='heatmap'\nfrom='a'\nx='head'\ny='layer'\nvalue='log1p(mean)'\ntitle='Indirect effect of attention heads at the last position'\nx_title='Head'\ny_title='Layer'",
        &e,
    );
    go(
        "name='heads_note'\nkind='heatmap'\nfrom='a'\nx='layer'\ny='head'\nvalue='log1p(mean)'\nannotate=true\nwidth=1000",
        &e,
    );
    let (mut la, mut hd, mut ef) = (vec![], vec![], vec![]);
    for layer in 0..80i64 {
        for head in 0..64i64 {
            la.push(layer);
            hd.push(head);
            ef.push(r.next() - 0.4 + if layer == 9 { f64::NAN } else { 0.0 });
        }
    }
    let e = df!("layer"=>&la,"head"=>&hd,"mean"=>&ef).unwrap();
    go(
        "name='big'\nkind='heatmap'\nfrom='a'\nx='head'\ny='layer'\nvalue='mean'\nvalue_range=[-0.4,0.4]\ntitle='80 × 64 cells, diverging'",
        &e,
    );
    let (mut la, mut hd, mut ef) = (vec![], vec![], vec![]);
    for layer in 0..4i64 {
        for p in ["a", "op", "b", "="] {
            la.push(layer);
            hd.push(p);
            ef.push(r.next() * 6.0 - 2.0);
        }
    }
    let e = df!("layer"=>&la,"position"=>&hd,"mean"=>&ef).unwrap();
    go(
        "name='small'\nkind='heatmap'\nfrom='a'\nx='position'\ny='layer'\nvalue='mean'\nvalue_title='Logit difference (nats)'\nx_title='Position'\ny_title='Layer'",
        &e,
    );
    go("name='small_t'\nkind='heatmap'\nfrom='a'\ny='position'\nx='layer'\nvalue='mean'\nwidth=320\nheight=220", &e);
    let (mut op, mut a, mut b, mut v) = (vec![], vec![], vec![], vec![]);
    for o in ops {
        for x in 0..100i64 {
            for y in 0..100i64 {
                if o == "-" && y > x {
                    continue;
                }
                op.push(o);
                a.push(x);
                b.push(y);
                v.push(((x * y) % 7) as f64 + r.next());
            }
        }
    }
    let e = df!("operator"=>&op,"op1"=>&a,"op2"=>&b,"act"=>&v).unwrap();
    go(
        "name='grid'\nkind='heatmap-grid'\nfrom='a'\nx='op2'\ny='op1'\nvalue='act'\nfacet='operator'\ntitle='Activation of L3N17'\nvalue_title='Activation'\nwidth=640\nheight=560",
        &e,
    );
    go("name='grid_default'\nkind='heatmap-grid'\nfrom='a'\nx='op2'\ny='op1'\nvalue='act'\nfacet='operator'", &e);
    let (mut op, mut st, mut v, mut lo, mut hi) = (vec![], vec![], vec![], vec![], vec![]);
    for (k, o) in ops.iter().enumerate() {
        for i in 0..20 {
            let s = (10.0 * 1.4f64.powi(i)) as i64;
            op.push(*o);
            st.push(s);
            let y = 1.0 / (1.0 + (-(i as f64) + 6.0 + 2.0 * k as f64).exp());
            v.push(y);
            lo.push(y - 0.04 - 0.05 * r.next());
            hi.push(y + 0.04);
        }
    }
    let e = df!("operator"=>&op,"step"=>&st,"acc"=>&v,"lo"=>&lo,"hi"=>&hi).unwrap();
    go(
        "name='lines'\nkind='lines'\nfrom='a'\nx='step'\ny='acc'\nseries='operator'\nband=['lo','hi']\nx_scale='log'\ntitle='Held-out accuracy during training'\nx_title='Training step'\ny_title='Accuracy'",
        &e,
    );
    go(
        "name='lines_facet'\nkind='lines'\nfrom='a'\nx='step'\ny='acc'\nfacet='operator'\nband=['lo','hi']\nx_scale='log'\ny_scale='log'\nx_title='Training step'\ny_title='Accuracy'",
        &e,
    );
    go(
        "name='lines_cut'\nkind='lines'\nfrom='a'\nx='step'\ny='acc'\nseries='operator'\nband=['lo','hi']\ny_range=[0.2,0.8]\nwhere={operator=['+','*']}",
        &e,
    );
    let one = df!("x"=>[5i64],"y"=>[-3.5f64],"s"=>["only"],"lo"=>[-4.0],"hi"=>[-3.0]).unwrap();
    go("name='one'\nkind='lines'\nfrom='a'\nx='x'\ny='y'\nseries='s'\nband=['lo','hi']", &one);
    let (mut s, mut x, mut y) = (vec![], vec![], vec![]);
    for k in 0..12i64 {
        for i in 0..60i64 {
            s.push(k);
            x.push(i);
            y.push((i as f64 / 9.0 + k as f64).sin() * 1234.0 * (k as f64 - 4.0));
        }
    }
    let e = df!("layer"=>&s,"i"=>&x,"y"=>&y).unwrap();
    go(
        "name='many'\nkind='lines'\nfrom='a'\nx='i'\ny='y'\nseries='layer'\ntitle='Twelve series, a title that is far too long to stand in one line of a figure of this width, so it is broken'",
        &e,
    );
    let (mut n, mut y) = (vec![], vec![]);
    for i in 0..25 {
        n.push(format!("heuristic range of the result number {i}"));
        y.push(r.next() - 0.5);
    }
    let e = df!("h"=>&n,"drop"=>&y).unwrap();
    go("name='long'\nkind='bars'\nfrom='a'\nx='h'\ny='drop'\nx_title='Heuristic'\ny_title='Change of accuracy'", &e);
    println!(
        "{}",
        figure::draw(&spec_of("name='f'\nkind='lines'\nfrom='a'\nx='hh'\ny='drop'"), &e, Path::new("/tmp/x"), &[])
            .unwrap_err()
    );
    println!(
        "{}",
        figure::draw(
            &spec_of("name='f'\nkind='lines'\nfrom='a'\nx='h'\ny='drop'\nwhere={h='z'}"),
            &e,
            Path::new("/tmp/x"),
            &[]
        )
        .unwrap_err()
    );
    let t: spec::Table = toml::from_str("name='t'\nfrom='x'\ngroup_by=['model','operator']\naggregate={rate='mean(rate)',n='count',ci='ci_low(rate)',q='quantile(rate,0.5)'}\npivot={index=['model'],on='operator',values='rate'}").unwrap();
    println!("{}", table::markdown(&table::build(&t, &g).unwrap(), 3));
}
