namespace Monolith.Fleet.Reports;

/// <summary>How the page looks, by day and by night.</summary>
internal static class ReportStyle
{
    public const string Css = """

        :root { color-scheme: light dark; --back: #fff; --ink: #1c1e21; --soft: #666b73; --rule: #dcdfe4;
          --line: #1f6fb2; --good: #1a7f37; --bad: #c62828; --mark: #a0a5ad; }
        @media (prefers-color-scheme: dark) {
          :root { --back: #16181c; --ink: #e4e6ea; --soft: #9aa0a8; --rule: #33373d; --line: #6cb2f0;
            --good: #57c274; --bad: #ff7b72; --mark: #6a7079; }
        }
        body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; background: var(--back); color: var(--ink);
          font: 15px/1.5 system-ui, sans-serif; }
        h1 { font-size: 1.6rem; } h1 span { font-size: 1.1rem; margin-left: .6rem; }
        h2 { margin-top: 2.2rem; font-size: 1.2rem; } h3 { margin: 1.6rem 0 .4rem; font-size: 1rem; }
        .quiet, figcaption, th { color: var(--soft); }
        .met { color: var(--good); } .missed { color: var(--bad); font-weight: 600; }
        table { border-collapse: collapse; margin: .4rem 0 1rem; }
        th { font-weight: 500; text-align: left; }
        th, td { padding: .15rem .9rem .15rem 0; border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
        td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
        figure { margin: 1rem 0 1.6rem; } svg { width: 100%; height: auto; }
        pre { padding: .7rem; border: 1px solid var(--rule); overflow-x: auto; }
        svg text { font: 11px system-ui, sans-serif; fill: var(--soft); } svg .name { fill: var(--ink); }
        svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
        svg .grid { stroke: var(--rule); } svg .step { stroke: var(--mark); stroke-dasharray: 3 3; }
        svg .line { fill: none; stroke: var(--line); stroke-width: 1.6; stroke-linejoin: round; }
        svg .dot { fill: var(--line); }

        """;
}
