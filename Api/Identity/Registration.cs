using LlmAspire.Api.Data;
using LlmAspire.Api.Identity.Data;
using LlmAspire.Api.Identity.Organisations;
using LlmAspire.Api.Plans;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Npgsql;

namespace LlmAspire.Api.Identity;

/// <summary>Makes accounts: the founder of a new organisation, or somebody with an invitation.</summary>
internal sealed class Registration(
    TenantContext accounts, Invitations invitations, UserManager<Account> users, IOptions<PlanOptions> plans, TimeProvider time)
{
    /// <summary>The new account, or what is wrong with a request that was found well-formed.</summary>
    public async Task<(Account? Account, ProblemHttpResult? Problem)> RegisterAsync(
        RegisterRequest request, HttpContext context, CancellationToken cancellationToken)
    {
        try
        {
            return await accounts.Database.CreateExecutionStrategy().ExecuteAsync(async () =>
            {
                // A retry begins with nothing.
                accounts.ChangeTracker.Clear();
                await using var transaction = await accounts.Database.BeginTransactionAsync(cancellationToken);
                var now = time.GetUtcNow();
                var membership = request.Invitation is { } token
                    ? await invitations.UseAsync(token, cancellationToken)
                    : (Found(request.OrganisationName!, now), Role.Admin);
                // Before the e-mail is looked up: without a good invitation nobody learns about it here.
                if (membership is not var (organisation, role))
                {
                    return ((Account?)null, AccountProblems.InvitationInvalid(context));
                }

                var account = Account.Create(request.Email!, organisation, role, now);
                var created = await users.CreateAsync(account, request.Password!);
                if (created.Succeeded)
                {
                    await transaction.CommitAsync(cancellationToken);
                    return (account, (ProblemHttpResult?)null);
                }

                return created.Errors.Any(error => error.Code is nameof(IdentityErrorDescriber.DuplicateEmail) or nameof(IdentityErrorDescriber.DuplicateUserName))
                    ? (null, AccountProblems.EmailTaken(context))
                    : throw new InvalidOperationException($"Identity refuses what was found good: {created}");
            });
        }
        // Another request was faster with the same e-mail.
        catch (DbUpdateException exception) when (exception.InnerException is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation })
        {
            return (null, AccountProblems.EmailTaken(context));
        }
    }

    private Guid Found(string name, DateTimeOffset now)
    {
        var organisation = new Organisation { Id = Guid.CreateVersion7(now), Name = name.Trim(), Plan = plans.Value.Default, CreatedAt = now };
        accounts.Organisations.Add(organisation);
        return organisation.Id;
    }
}
