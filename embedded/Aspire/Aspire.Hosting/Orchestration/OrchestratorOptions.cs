namespace Aspire.Hosting.Orchestration;

/// <summary>How the orchestrator behaves.</summary>
/// <param name="StopWhenAResourceFailsToStart">Ends the application, with exit code 1, when a resource does not get ready. A test looks itself.</param>
internal sealed record OrchestratorOptions(bool StopWhenAResourceFailsToStart);
