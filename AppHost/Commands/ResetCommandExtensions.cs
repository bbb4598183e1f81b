using LlmAspire.AppHost.Gateway;

namespace LlmAspire.AppHost.Commands;

/// <summary>The command <c>reset-data</c> of the database in the dashboard.</summary>
internal static class ResetCommandExtensions
{
    private const string Loss = "This deletes all data of this stack: every call of the ledger with its sums, prices and invoices; all organisations, accounts and API keys; "
        + "all conversations and prompts; usage that waits in the spool; the records of the demo gateway. Nobody can bring it back. "
        + "The services stop, begin anew with nothing, and start again; everybody has to sign in again. Delete everything?";

    /// <summary>Adds the command <c>reset-data</c>, which deletes all data.</summary>
    /// <param name="database">Where the ledger and the accounts are.</param>
    /// <param name="gateway">When it is the demo gateway, it has records of its own.</param>
    /// <param name="services">All that use the database, in the order in which they stop.</param>
    public static IResourceBuilder<T> WithResetCommand<T>(
        this IResourceBuilder<T> database, LlmGateway gateway, params IResourceBuilder<ProjectResource>[] services)
        where T : IResourceWithConnectionString
    {
        IResource[] projects = [.. services.Select(service => service.Resource), .. gateway.Resource?.Resource is ProjectResource demo ? [demo] : (ProjectResource[])[]];
        var reset = new ResetCommand(database.Resource, projects, database.ApplicationBuilder.ExecutionContext);

        return database.WithCommand("reset-data", "Reset all data", reset.RunAsync, new CommandOptions
        {
            Description = "Deletes the ledger, the accounts and the conversations, and starts the services anew.",
            IconName = "Delete",
            ConfirmationMessage = Loss,
            UpdateState = context => context.ResourceSnapshot.State?.Text == KnownResourceStates.Running ? ResourceCommandState.Enabled : ResourceCommandState.Disabled,
            // Closing the dialog would not end it: services that were stopped are started again in any case.
            Progress = new CommandProgressOptions { Title = "Reset all data", Message = "The services stop, and start again with nothing.", HideCancelButton = true },
        });
    }
}
