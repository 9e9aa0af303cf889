using Monolith.Cli;
using Monolith.Cli.Session;

return await new App(Surroundings.OfProcess()).RunAsync(args);
