namespace LlmAspire.UsageWorker.Demo;

/// <summary>Somebody who has made calls.</summary>
/// <param name="Plan">The rank of the person's plan: 0 is basic, 1 pro, 2 enterprise.</param>
internal sealed record DemoPerson(Guid Id, Guid OrgId, int Plan);
