using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace LlmAspire.Api.Identity.Data;

/// <summary>For <c>dotnet ef migrations add</c>, which needs the model but no database.</summary>
internal sealed class AccountsContextFactory : IDesignTimeDbContextFactory<AccountsContext>
{
    public AccountsContext CreateDbContext(string[] args)
    {
        var options = new DbContextOptionsBuilder<AccountsContext>();
        options.UseNpgsql();
        AccountsContext.Configure(options);
        return new AccountsContext(options.Options);
    }
}
