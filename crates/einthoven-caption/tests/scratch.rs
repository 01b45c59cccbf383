#![allow(warnings)]
use einthoven_caption::*;
#[test] fn s(){
 let k=KnowledgeBase::built_in().unwrap_or_else(|e|{ let mut s=format!("{e}"); let mut c:&dyn std::error::Error=&e; while let Some(n)=c.source(){s+=&format!(" / {n}");c=n;} panic!("{s}")});
 let t=std::fs::read_to_string("/work/shared/data/mimic-iv-ecg-statements/statements.txt").unwrap();
 let mut n=0; let mut ok=0; let mut o=String::new();
 for l in t.lines(){ n+=1; let r=k.read(l); if r.is_complete(){ok+=1}else{println!("NO {l} :: {:?} :: {:?}",r.unknown,r.findings.iter().map(|f|f.page.slug.clone()).collect::<Vec<_>>())}
  o+=&format!("{l}\n    {:?} {}\n",r.unknown,r.findings.iter().map(|f|format!("{}[{:?}{}{}]",f.page.slug,f.certainty,if f.location.is_empty(){String::new()}else{format!(" {:?} {:?}",f.location.walls,f.location.leads)}, if f.location.diffuse{" diffuse"}else{""})).collect::<Vec<_>>().join("; "));}
 println!("{ok}/{n}"); std::fs::write("/tmp/h3read.txt",o).unwrap();
}
